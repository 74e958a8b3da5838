"""Every shipped rule and every shipped task against hacks: gold is paid in full, and no hack is.

A rule without a line here fails the first test. Rules that judge an answer get the battery of `r1lite audit` and
answers that a model under pressure might find; rules on the form get what they must pay and what they must not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from battery import ANSWERS, DEADLINE, EXAMPLES, GATE, IN_PROCESS, Asked, hacks, paid, said
from battery_forms import FORMS, QUESTION, WELL, thinking
from omegaconf import OmegaConf

from r1lite.audit.findings import findings
from r1lite.audit.mutants import as_rollout
from r1lite.audit.trials import gold_response, make_cases, try_all
from r1lite.config import CONF
from r1lite.scoring.rules import Rules
from r1lite.scoring.verdicts import verdicts_of
from r1lite.text.response import respond
from r1lite.types import Group, Problem, Response
from rewards import rewards
from tasks import tasks

# Rules whose values come out of weights, so that no text is a hack by definition. test_judge_attacks.py has the battery for `judge`.
LEARNED = {"model", "judge"}


def test_no_rule_escapes_the_battery() -> None:
    assert rewards._files() <= {rule for rule, _ in ANSWERS} | set(FORMS) | LEARNED


# rules that judge an answer


@pytest.mark.parametrize(("rule", "about"), ANSWERS)
def test_gold_is_paid_in_full_and_no_hack_is(rule: str, about: str) -> None:
    line = ANSWERS[rule, about]
    rules = Rules.from_config({rule: {**line.options, "weight": 1.0}, **GATE}, right_rule=rule)
    cases = make_cases(Asked(line.problems), 3)
    assert [finding.text for finding in findings(rules, try_all(rules, IN_PROCESS, cases))] == []
    problem, mutants = cases[0]
    right = gold_response(None, problem).answer
    other = next(m.text for m in mutants if m.name == "wrong answer").split("<answer>")[1].removesuffix("</answer>")
    fair = [right, *line.fair]
    assert dict(zip(fair, paid(rules, problem, *map(said, fair)), strict=True)) == dict.fromkeys(fair, (1.0, True))
    tried = [*hacks(right, other), *line.hacks]
    told = dict(zip(tried, paid(rules, problem, *map(said, tried)), strict=True))
    assert {text: got for text, got in told.items() if got[0] >= 1 or got[1]} == {}


# shipped tasks with the rewards that are chosen for them


FILES = {"dataset": "sums", "gsm8k": "word_problems", "math_problems": "boxed", "multiple_choice": "choices"}


def shipped(name: str) -> list[Any]:
    if name in FILES:
        return [tasks[name](path=str(EXAMPLES / f"{FILES[name]}.jsonl"))]
    if name == "mixture":
        return [tasks[name](parts={"arithmetic": {}, "countdown": {}})]
    if name == "reasoning_gym":
        pytest.importorskip("reasoning_gym", reason="the extra `reasoning` is not installed")
        return [tasks[name](names=[one]) for one in ("chain_sum", "countdown", "word_sorting", "simple_integration")]
    if name == "code":
        return [
            Asked(
                [p for split in ("train", "validation", "test") for p in maybe(tasks[name](path=str(EXAMPLES / "programs.jsonl")), split)]
            )
        ]
    if name == "humaneval":
        return [tasks[name]()]
    return [tasks[name](difficulty=level) for level in ("easy", "standard", "hard")]


def maybe(task: Any, split: str) -> Sequence[Problem]:
    """A small file may have no problem in a split."""
    try:
        return task.problems(split)
    except ValueError:
        return ()


@pytest.mark.parametrize("name", sorted(tasks._files()))
def test_shipped_tasks_with_their_own_rewards(name: str) -> None:
    chosen = OmegaConf.to_container(OmegaConf.load(CONF / "reward" / f"{name}.yaml"))
    if name == "mixture":  # whose parts bring their own
        chosen = {"answer": {"tasks": ["arithmetic"]}, "countdown": {"tasks": ["countdown"]}, "format": {"weight": 0.1}}
    assert isinstance(chosen, dict)
    rules = Rules.from_config(chosen)
    for task in shipped(name):
        assert [finding.text for finding in findings(rules, try_all(rules, IN_PROCESS, make_cases(task, 6)))] == []
        if hasattr(task, "guess"):
            for problem in task.problems("test")[:20]:
                honest, guessed = (respond(Response(thought="so", answer=a)) for a in (problem.answer, task.guess(problem)))
                (gold, _), (guess, right) = paid(rules, problem, honest, guessed)
                assert guess <= gold
                assert right == (guess == gold)


# strings that are made to be slow

MEGABYTE = 1_000_000
BOMBS: dict[str, Callable[[int], str]] = {
    "letters": lambda n: "a" * n,
    "digits": lambda n: "9" * n,
    "blanks": lambda n: f"7{' ' * n}8",
    "lines": lambda n: f"7{chr(10) * n}8",
    "signs": lambda n: f"7{'*' * n}8",
    "words": lambda n: "the answer is 7 or 8. " * (n // 22),
    "characters": lambda n: "我们想" * (n // 9),
    "brackets": lambda n: "(" * n,
    "braces": lambda n: r"\boxed{" * (n // 7),
    "tags": lambda n: "<think></think><answer>7</answer>" * (n // 33),
    "steps": lambda n: "1. a b c d\n" * (n // 11),
    "fences": lambda n: "```\n" * (n // 4),
    "dollars": lambda n: "$" * n,
    "underscores": lambda n: "7" + "_" * n,
}


@pytest.mark.parametrize("rule", [*dict.fromkeys(rule for rule, _ in ANSWERS), *FORMS])
def test_a_megabyte_costs_less_than_the_deadline(rule: str) -> None:
    line = next((line for (name, _), line in ANSWERS.items() if name == rule), None)
    options, problem = (line.options, line.problems[0]) if line else (FORMS[rule].options, QUESTION)
    rules = Rules.from_config({rule: options, "answer": {}}, right_rule="answer")
    places = (said, str) if line else (thinking,)
    verdicts_of(rules, Group(problem=problem, rollouts=(as_rollout(WELL, problem),)))  # imports
    slow = {}
    for name, make in BOMBS.items():
        for text in (place(make(MEGABYTE)) for place in places):
            begun = time.process_time()  # of this process, whatever else the machine does
            verdicts_of(rules, Group(problem=problem, rollouts=(as_rollout(text, problem),)))
            slow[name] = max(slow.get(name, 0.0), time.process_time() - begun)
    assert {name: took for name, took in slow.items() if took > DEADLINE} == {}
