"""The code rule: what it runs, what it reads of a problem, what it compares. The battery tries to cheat it."""

import json
import time
from typing import Any

import pytest

from r1lite.audit.mutants import as_rollout
from r1lite.config import ScoringConfig
from r1lite.scoring.rules import Rules
from r1lite.scoring.scorer import Scorer
from r1lite.scoring.verdicts import verdict_of
from r1lite.text.rows import BadRow
from r1lite.types import Group, Problem, Rollout, Verdict
from rewards._code.box import box
from rewards._code.cases import BadTests, suite_of
from rewards._code.compare import same_output, same_value
from rewards._fence import program_of
from rewards._options import OptionError
from rewards.code import code, deadline
from tasks import tasks

SUM = [{"input": "1 2\n", "output": "3\n"}, {"input": "4 5\n", "output": "9\n"}]
ADDS = "a, b = map(int, input().split())\nprint(a + b)"


def asking(**info: Any) -> Problem:
    return Problem(id="p", prompt="?", info=info)


def rollout(program: str, *, fenced: bool = True) -> Rollout:
    text = f"<think>so</think><answer>```python\n{program}\n```</answer>" if fenced else program
    return Rollout(problem_id="p", index=0, prompt_ids=(), token_ids=(), logprobs=(), text=text)


def test_all_tests_have_to_pass_or_their_share_is_paid() -> None:
    assert code(asking(tests=SUM), rollout(ADDS)) == Verdict(value=1.0, why="2 of 2 tests passed")
    half = rollout("print(3)")
    verdict = code(asking(tests=SUM), half)
    assert verdict == Verdict(value=0.0, why="1 of 2 tests passed; printed '3\\n', expected '9\\n'")
    assert code(asking(tests=SUM), half, partial=True).value == 0.5


def test_a_function_is_called_and_its_values_are_compared() -> None:
    problem = asking(fn_name="add", tests=[{"args": [1, 2], "expected": 3}, {"args": ["a", "b"], "expected": "ab"}])
    assert code(problem, rollout("def add(a, b):\n    return a + b")).value == 1
    verdict = code(problem, rollout("def add(a, b):\n    return int(a) + int(b)"))
    assert verdict.value == 0
    assert verdict.why.startswith("1 of 2 tests passed; add('a', 'b'): ValueError")


@pytest.mark.parametrize("text", ["", ADDS])
def test_a_sandbox_that_is_not_installed_is_noticed_on_any_response(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rewards.code.box", box.__wrapped__)  # the one of this process may have been started before
    monkeypatch.setattr("sandbox.jail.bubblewrap", lambda: None)
    with pytest.raises(OptionError, match=r"^rewards\.code needs the extra `code`: pip install 'r1lite\[code\]'\. .*tier=reduced"):
        code(asking(tests=SUM), rollout(text, fenced=bool(text)))


def test_assertions_run_apart_from_the_program() -> None:
    problem = asking(entry_point="f", tests="def check(candidate):\n    assert candidate(2) == 4, 'two'\n", preface="import math")
    assert code(problem, rollout("def f(x):\n    return int(math.pow(x, 2))")).value == 1
    assert code(problem, rollout("def f(x):\n    return x")).value == 0


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("while True: pass", "timeout"),
        ("x = 'a' * (1 << 40)", "memory"),
        ("print('x' * (1 << 26))", "output_limit"),
        ("import os; os.abort()", "killed"),
        ("1 / 0", "error: ZeroDivisionError: division by zero"),
    ],
)
def test_how_a_program_ended_is_in_the_evidence(program: str, said: str) -> None:
    verdict = code(asking(tests=SUM), rollout(program), seconds=2.0)
    assert verdict is not None
    assert verdict.value == 0
    assert said in verdict.why


def test_what_python_wants_first_stands_before_the_preface() -> None:
    problem = Problem(id="p", prompt="?", info={"tests": [{"input": "3", "output": "6"}], "preface": "import math"})
    text = "```python\nfrom __future__ import annotations\nprint(math.floor(2 * int(input())))\n```"
    verdict = code(problem, as_rollout(text, problem))
    assert isinstance(verdict, Verdict)
    assert verdict.value == 1.0, verdict.why


def test_without_tests_there_is_no_verdict() -> None:
    for tests in ([], {"inputs": [], "outputs": []}, "[]"):
        assert code(asking(tests=tests), rollout(ADDS)) == Verdict(value=None, why="the problem has no tests")


def test_a_sandbox_that_fails_is_no_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    import rewards.code
    from sandbox import SandboxError

    def broken(tier: str) -> None:
        raise SandboxError("no namespaces here")

    monkeypatch.setattr(rewards.code, "box", broken)
    verdict = verdict_of(Rules.from_config({"code": {}}), "code", asking(tests=SUM), rollout(ADDS))
    assert verdict == Verdict(value=None, why="SandboxError: no namespaces here", outcome="failed")


def test_in_a_worker_a_program_may_take_longer_than_other_verdicts() -> None:
    cfg = ScoringConfig(workers=1, seconds=0.2, memory_mb=512, max_failed_share=1.0)
    group = Group(problem=asking(tests=SUM), rollouts=(rollout(f"import time\ntime.sleep(0.4)\n{ADDS}"), rollout(ADDS)))
    with Scorer(Rules.from_config({"code": {"weight": 1.0}}), cfg) as scorer:
        ((slow, fast),) = scorer.score([group])
    assert (slow.verdicts["code"].value, fast.verdicts["code"].value) == (1.0, 1.0)


def test_the_time_of_all_cases_is_limited() -> None:
    verdict = code(asking(tests=SUM * 4), rollout(f"import time\ntime.sleep(1.2)\n{ADDS}"), seconds=2, total_seconds=2)
    assert verdict == Verdict(value=0.0, why="1 of 8 tests passed; time limit of 2 s for all tests")


def test_the_last_case_does_not_go_on_past_the_time_of_all() -> None:
    hangs = rollout("import time\na, b = map(int, input().split())\ntime.sleep(0.5 if a == 1 else 9)\nprint(a + b)")
    began = time.monotonic()
    assert code(asking(tests=SUM), hangs, seconds=8, total_seconds=8).value == 0
    assert time.monotonic() - began < deadline(total_seconds=8)


def test_options_are_looked_at_first() -> None:
    for options, said in (({"seconds": 0}, "seconds must be at least 0.01"), ({"language": "rust"}, "rust"), ({"tier": "none"}, "none")):
        with pytest.raises(OptionError, match=said):
            code(asking(), rollout(""), **options)


@pytest.mark.parametrize(
    ("response", "program"),
    [
        ("<think>```python\n1\n```</think><answer>```python\n2\n```</answer>", "2\n"),
        ("<think>so</think>First ```\nnot at a line's start``` then\n```py\n3\n```\nand\n```python\n4\n```", "4\n"),
        ("<answer>```js\n5\n```</answer>", None),
        ("<answer>```python\n6\n```\n```python\n7\n```</answer>", None),
        ("print(8)", None),
    ],
)
def test_the_program_of_a_response(response: str, program: str | None) -> None:
    assert program_of(response)[0] == program


def test_fences_that_never_close_are_read_at_once() -> None:
    began = time.monotonic()
    for text in ("```python\n" * 20_000, f"```{'a' * 100_000}`", f"```{' ' * 100_000}`"):
        assert program_of(text) == (None, "no fenced Python block after the thought")
    assert time.monotonic() - began < 5


def test_text_beside_values_is_no_json() -> None:
    assert suite_of({"tests": [{"args": [12], "expected": "12"}], "fn_name": "f"}, "tests").cases == (([12], "12"),)


@pytest.mark.parametrize(
    "tests",
    [
        [{"input": [1, 2], "output": 3}],
        [{"args": [1, 2], "expected": 3}],
        [{"input": "1\n2", "output": "3"}],
        {"inputs": [[1, 2]], "outputs": [3]},
        {"inputs": ["1\n2"], "outputs": ["3"], "fn_name": "f"},
        json.dumps([{"input": [1, 2], "output": 3, "fn_name": "f"}]),
    ],
)
def test_tests_come_in_many_shapes(tests: Any) -> None:
    suite = suite_of({"tests": tests, "fn_name": "f"}, "tests")
    assert (suite.cases, suite.fn_name) == ((([1, 2], 3),), "f")


@pytest.mark.parametrize(
    ("info", "said"),
    [
        ({"test": []}, "the problem has no column 'tests'; it has test"),
        ({"tests": None}, "column 'tests' is null; it needs tests, or an empty list"),
        ({"tests": [{"input": None, "output": "1"}]}, "input is null; a program without input has the input ''"),
        ({"tests": "assert f(1) == 2"}, "needs the column entry_point"),
        ({"tests": {"inputs": [1], "outputs": []}}, "two lists of equal length"),
        ({"tests": [{"input": "1"}]}, "a test has input and output, got input"),
        ({"tests": [3]}, "a test is an object"),
        ({"tests": {"inputs": [["1 2"]], "outputs": [["3"]]}}, "lists are for a function, named in fn_name"),
    ],
)
def test_tests_that_cannot_be_read_are_an_error_of_the_problem(info: dict[str, Any], said: str) -> None:
    with pytest.raises(BadTests, match=said):
        suite_of(info, "tests")


def test_output_is_compared_line_by_line() -> None:
    assert same_output("1 2 \n3\n\n", "1 2\n3")
    assert not same_output("1 2", "1  2")
    assert not same_output("\n1", "1")
    assert not same_output("1\n2\n", "1\n")


def test_values_are_compared_as_json() -> None:
    assert same_value([1, 2.0, {"a": None}], [1.0, 2, {"a": None}])
    assert same_value(0.1 + 0.2, 0.3)
    assert not same_value(True, 1)
    assert not same_value("1", 1)
    assert not same_value([1], [1, 2])
    assert not same_value({"a": 1}, {"a": 1, "b": 2})
    assert not same_value(10**400, 1.5)
    assert not same_value(10**20 + 1, 10**20)
    assert not same_value(10**9 + 0.5, 10**9)
    assert not same_value(1e20, 10**20 + 1)
    assert same_value(3 - 4e-16, 3)
    assert not same_value(float("inf"), 3)


def test_a_row_without_tests_is_refused_with_its_place(tmp_path: Any) -> None:
    path = tmp_path / "problems.jsonl"
    path.write_text('{"prompt": "a", "starter": "def f():", "tests": [{"input": "1", "output": "1"}]}\n')
    (problem,) = [p for s in ("train", "validation", "test") for p in _problems(path, s)]
    assert "Begin from this:\n```python\ndef f():\n```" in problem.prompt
    path.write_text('{"prompt": "a"}\n')
    with pytest.raises(BadRow, match=r"problems\.jsonl:1: column 'tests' is missing or empty"):
        [_problems(path, s) for s in ("train", "validation", "test")]


def _problems(path: Any, split: str) -> Any:
    try:
        return tasks["code"](path=str(path)).problems(split)
    except BadRow:
        raise
    except ValueError:
        return []


def test_humaneval_is_whole_and_for_evaluation_only() -> None:
    task = tasks["humaneval"]()
    assert len(task.problems("test")) == 164
    with pytest.raises(ValueError, match="humaneval is for evaluation: it has a test split, and no train"):
        task.problems("train")


@pytest.mark.slow
def test_humaneval_passes_its_references_and_fails_what_does_nothing() -> None:
    problems = tasks["humaneval"]().problems("test")
    rules = Rules.from_config({"code": {"seconds": 5.0}})
    equal = (
        "class E:\n    def __eq__(self, o): return True\n    __ne__ = lambda s, o: False\n    __lt__ = __gt__ = __le__ = __ge__ = __eq__\n"
    )

    def right(program: Any) -> int:
        return sum(verdict_of(rules, "code", p, rollout(program(p))).value == 1 for p in problems)

    def reference(p: Problem) -> str:
        return p.answer.removeprefix("```python\n").removesuffix("\n```")

    assert right(reference) == 164
    assert right(lambda p: p.info["preface"] + "    pass") == 0
    assert right(lambda p: f"{equal}\n{p.info['preface']}    return E()") == 0
