"""TRL-style functions run unchanged, and what they get wrong is said with their name."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from r1lite.scoring.rules import Rules
from r1lite.scoring.verdicts import verdicts_of
from r1lite.types import Group, Problem, Rollout, Verdict
from rewards._options import OptionError

FUNCTIONS = """\
def has_answer(completions, **kwargs):
    return [1.0 if "7" in c else 0.0 for c in completions]

def exact(prompts, completions, answer, **columns):
    assert len(prompts) == len(completions) == len(answer) == 1
    return [float(c == a) for c, a in zip(completions, answer)]

def chat(prompts, completions, level):
    assert prompts[0][-1] == {"role": "user", "content": "3+4?"}, prompts
    return [level[i] * len(c[0]["content"]) if c[0]["role"] == "assistant" else None for i, c in enumerate(completions)]

def solution(completions, solution, completion_ids):
    return [len(ids) if completion == s else -1 for completion, s, ids in zip(completions, solution, completion_ids)]

async def later(completions, **kwargs):
    return [True for _ in completions]

def abstains(completions):
    return [None for _ in completions]

def two(completions, **kwargs):
    return [1.0, 0.0]

def number(completions, **kwargs):
    return 1.0

def words(completions, **kwargs):
    return ["good"]

def asks(completions, tests):
    return [0.0]

def odd(completions, **kwargs):
    return [float("nan")]

not_a_function = 3
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("trl") / "from_trl.py"
    path.write_text(FUNCTIONS)
    before = set(sys.modules)
    yield str(path)
    for name in set(sys.modules) - before:
        if "from_trl" in name:
            del sys.modules[name]


def verdict(function: str, text: str = "7", prompt: Any = "3+4?", answer: Any = "7", **info: Any) -> Verdict:
    rules = Rules.from_config({"trl": {"function": function}})
    rollout = Rollout(problem_id="p", index=0, prompt_ids=(), token_ids=(5, 6), logprobs=(), text=text)
    return verdicts_of(rules, Group(problem=Problem(id="p", prompt=prompt, answer=answer, info=info), rollouts=(rollout,)))[0]["trl"]


def test_functions_get_lists_of_length_one(file: str) -> None:
    assert verdict(f"{file}:has_answer") == Verdict(value=1.0, why=f"{file}:has_answer returned 1.0")
    assert verdict(f"{file}:has_answer", text="8").value == 0.0
    assert verdict(f"{file}:exact").value == 1.0
    assert verdict(f"{file}:exact", text="8").value == 0.0


def test_a_chat_prompt_gives_a_chat_completion_and_columns_come_by_name(file: str) -> None:
    prompt = ({"role": "system", "content": "s"}, {"role": "user", "content": "3+4?"})
    assert verdict(f"{file}:chat", text="abc", prompt=prompt, level=2, other="x") == Verdict(value=6.0, why=f"{file}:chat returned 6")


def test_the_answer_is_also_the_solution_and_tokens_are_there(file: str) -> None:
    assert verdict(f"{file}:solution").value == 2.0
    assert verdict(f"{file}:solution", solution="8").value == -1.0  # a column of that name comes first


def test_asynchronous_functions_and_booleans(file: str) -> None:
    assert verdict(f"{file}:later").value == 1.0


def test_none_is_an_abstention(file: str) -> None:
    assert verdict(f"{file}:abstains") == Verdict(value=None, why=f"{file}:abstains returned None", outcome="abstained")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("two", "ValueError: {f}:two returned 2 values for 1 completion"),
        ("number", "TypeError: {f}:number should return a list of numbers, got float"),
        ("words", "TypeError: {f}:words should return numbers or None, got str: 'good'"),
        ("asks", "{f}:asks needs tests, which this problem does not have; it has level"),
        ("odd", "ValueError: the rule returned nan"),
    ],
)
def test_what_a_function_gets_wrong_is_said_with_its_name(file: str, name: str, says: str) -> None:
    failed = verdict(f"{file}:{name}", level=3)
    assert (failed.value, failed.outcome) == (None, "failed")
    assert says.format(f=file) in failed.why


@pytest.mark.parametrize(
    ("function", "says"),
    [
        ("has_answer", "is written as package.module:function or ./file.py:function, got 'has_answer'"),
        ("no_such_module_here:f", "cannot be imported: No module named 'no_such_module_here'"),
        ("./gone.py:f", "gone.py does not exist"),
        ("{f}:missing", "there is no function 'missing' in"),
        ("{f}:not_a_function", "there is no function 'not_a_function' in"),
    ],
)
def test_a_function_that_is_not_there(file: str, function: str, says: str) -> None:
    from rewards.trl import trl

    with pytest.raises(OptionError, match=r"rewards\.trl\.function") as error:
        trl(None, None, function=function.format(f=file))  # pyright: ignore
    assert says in str(error.value)


def test_a_function_in_a_module() -> None:
    assert verdict("operator:truth").outcome == "failed"  # it is found, and is no such function
