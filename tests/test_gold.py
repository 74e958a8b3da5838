"""Gold answers: what a task's own answers are paid, and how a rule compares responses with them."""

import json
from pathlib import Path

import pytest

from r1lite.checks.run import check
from r1lite.config import ScoringConfig
from r1lite.scoring.gold import Golds, described, gold_response, try_golds
from r1lite.scoring.rules import Rules
from r1lite.scoring.scorer import Scorer
from r1lite.settings.command_line import checked
from r1lite.settings.compose import configuration
from r1lite.types import Problem
from rewards.math import reads
from tasks import tasks

ARITHMETIC = tasks["arithmetic"]()
SCORING = ScoringConfig(workers=0)


def tried(rules: Rules, *answers: object, count: int = 100) -> Golds:
    problems = [Problem(id=f"p{i}", prompt="?", answer=answer) for i, answer in enumerate(answers)]
    with Scorer(rules, SCORING) as scorer:
        return try_golds(scorer, None, problems, count)


def test_the_gold_response_is_the_tasks_own_or_the_expected_answer() -> None:
    problem = ARITHMETIC.problems("train")[0]
    assert gold_response(ARITHMETIC, problem) == ARITHMETIC.demonstration(problem)
    for answer, text in ((7, "7"), ("a", "a"), (["x", "y"], "x"), ({"n": 1}, '{"n": 1}'), ([1, 2], "[1, 2]")):
        assert gold_response(None, Problem(id="p", prompt="?", answer=answer)).answer == text
    assert gold_response(None, Problem(id="p", prompt="?", answer=1, info={"choices": ["a", "b"]})).answer == "b"
    assert "首先" in gold_response(None, Problem(id="p", prompt="几个？", answer=1)).thought
    with pytest.raises(ValueError, match="problem p has no answer"):
        gold_response(None, Problem(id="p", prompt="?"))


def test_golds_that_are_not_paid_are_counted_and_named() -> None:
    rules = Rules.from_config({"numeric": {}})
    golds = tried(rules, 1, 2, "about ten", 4)
    assert (golds.tried, golds.checkable) == (4, 0.75)
    assert golds.refused == ["p2 (expected 'about ten', which is not a number)"]
    assert described(golds, rules) == (
        "4 gold answers tried: rule numeric pays 75.0% of them. No response to the others can be correct: "
        "p2 (expected 'about ten', which is not a number)"
    )


def test_a_problem_without_an_answer_has_no_gold() -> None:
    assert tried(Rules.from_config({"numeric": {}}), 1, None, 3).tried == 2


def test_only_the_first_are_named() -> None:
    golds = tried(Rules.from_config({"numeric": {}}), *"abcdefgh")
    assert described(golds, Rules.from_config({"numeric": {}})).endswith("p4 (expected 'e', which is not a number), and 3 more")


def test_golds_are_spread_over_all_problems() -> None:
    rules = Rules.from_config({"numeric": {}})
    assert tried(rules, *range(10), "ten", count=6).tried == 6
    assert tried(rules, *range(10), "ten", count=6).checkable == 1 - 1 / 6
    assert tried(rules, *range(10), count=0).tried == 0


def test_math_says_how_it_reads_golds() -> None:
    rules = Rules.from_config({"math": {}})
    golds = tried(rules, "7", "1/2", r"\sqrt{2}+1", "(1,2)", "Tuesday", "7")
    assert golds.readings == {"a number": 2, "an expression": 2, "several values": 1, "words": 1}
    assert described(golds, rules) == (
        "6 gold answers tried: rule math pays 100.0% of them (2 as a number, 2 as an expression, 1 as several values, 1 as words)"
    )


@pytest.mark.parametrize(
    ("answer", "reading"),
    [
        ("42", "a number"),
        (r"\boxed{42}", "a number"),
        ("B", "a choice"),
        (r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", "a matrix"),
        ("x > 3", "a relation"),
        (r"(1,2) \cup (3,4)", "a set"),
        (r"\int_0^1 f(x) dx", "text alone"),
    ],
)
def test_a_gold_answer_is_taken_for_something(answer: str, reading: str) -> None:
    assert reads(answer) == reading


def test_a_run_says_beforehand_what_no_response_can_answer(tmp_path: Path) -> None:
    for split, answers in (("train", [1, 2, 3, "about four", 5]), ("test", [6])):
        rows = [json.dumps({"question": "?", "answer": answer}) for answer in answers]
        (tmp_path / f"{split}.jsonl").write_text("\n".join(rows))
    settings = ["experiment=r1_zero", "task=dataset", f"task.path={tmp_path}", "task.columns={prompt: question}"]
    notices = check(configuration(checked([*settings, "rewards={numeric: {}}", "scoring.workers=0", "scoring.right_rule=numeric"])))
    assert any("No response to the others can be correct: train.jsonl:4" in notice for notice in notices), notices


def test_the_verdict_says_how_math_decided() -> None:
    from asked import asking, rollout

    from rewards.math import math

    def how(gold: str, response: str) -> str:
        verdict = math(asking(gold), rollout(response))
        assert verdict is not None
        return verdict.how

    assert how("42", "The answer is 42.") == "the same text"
    assert how("42", "The answer is 42.0.") == "exact numbers"
    assert how("42", "The answer is 43.") == ""
