"""Rules on the answer itself: exact values, what they say, and what they do not pay."""

import sys
from pathlib import Path
from typing import Any

import pytest
from asked import answered, asking, rollout, value

from rewards import Verdict, rewards
from rewards._options import OptionError
from rewards.choice import choice
from rewards.countdown import countdown
from rewards.exact import exact
from rewards.integer_form import integer_form
from rewards.json_fields import json_fields
from rewards.numeric import numeric

SHIPPED = Path(__file__).parent.parent / "rewards"
WITHIN = [exact, choice, numeric, integer_form, json_fields]


@pytest.mark.parametrize("rule", WITHIN)
def test_the_answer_stands_in_the_last_block_or_after_the_thought(rule: Any) -> None:
    gold = "7" if rule is not choice else "B"
    problem = asking(gold)
    assert value(rule(problem, rollout(gold))) == 0.0
    assert value(rule(problem, rollout(f"<think>{gold}</think>"), within="response")) == 0.0
    assert value(rule(problem, rollout(f"<think>a <answer>{gold}</answer></think>"))) == 0.0
    assert value(rule(problem, rollout(f"<think>{gold}"), within="response")) == 0.0
    assert value(rule(problem, rollout(f"<think>so</think> {gold}"), within="response")) == 1.0
    assert value(rule(problem, rollout(gold), within="response")) == 1.0
    with pytest.raises(OptionError, match=rf"unknown value of rewards\.{rule.__name__}\.within: 'block'"):
        rule(problem, rollout(gold), within="block")


@pytest.mark.parametrize("rule", WITHIN)
def test_without_an_expected_answer_rules_abstain(rule: Any) -> None:
    assert rule(asking(), answered("7")) is None


# exact


@pytest.mark.parametrize(
    ("given", "expected", "options", "right"),
    [
        ("Paris", "Paris", {}, True),
        (" Paris\n", "Paris", {}, True),
        ("paris", "Paris", {}, False),
        ("paris", "Paris", {"ignore_case": True}, True),
        ("STRASSE", "straße", {"ignore_case": True}, True),
        ("cafe\u0301", "café", {}, True),
        ("Par is", "Paris", {}, False),
        ("Pаris", "Paris", {}, False),
        ("Paris\u200b", "Paris", {}, False),
        ("Paris or Rome", "Paris", {}, False),
        ("7.0", 7, {}, False),
        ("7", 7, {}, True),
        ("", "Paris", {}, False),
        ("Rome", ["Paris", "Rome"], {}, True),
        ("['Paris', 'Rome']", ["Paris", "Rome"], {}, False),
    ],
)
def test_exact(given: str, expected: Any, options: dict[str, Any], right: bool) -> None:
    assert value(exact(asking(expected), answered(given), **options)) == float(right)


def test_exact_says_what_it_compared() -> None:
    assert exact(asking("Paris"), answered("Rome")) == Verdict(value=0.0, why="extracted 'Rome', expected 'Paris'")
    assert exact(asking(["a", "b"]), answered("b")) == Verdict(value=1.0, why="extracted 'b', expected one of 2 answers")
    assert exact(asking("Paris"), rollout("Paris")) == Verdict(value=0.0, why="no answer, expected 'Paris'")
    assert len(exact(asking("Paris"), answered("x" * 9999)).why) < 130  # pyright: ignore


# choice

CITIES = ("London", "Paris", "Rome", "Oslo")


@pytest.mark.parametrize(
    "given",
    ["B", "b", "(B)", "B.", "B)", "[B]", "(b).", "**B**", "$B$",
     "\\boxed{B}", "\\boxed{\\text{B}}", "Option B", "The answer is B.", "answer: (B)",
     "the correct answer is B", "Therefore, the answer is B", "答案是B", "所以选B。", "（B）", "B. Paris", "(B) Paris", "Paris", "paris."],
)  # fmt: skip
def test_choices_that_are_right(given: str) -> None:
    assert choice(asking("B", choices=CITIES), answered(given)) == Verdict(value=1.0, why=f"chose B in {given!r}, expected B")


@pytest.mark.parametrize(
    "given",
    ["A", "E", "", "A or B", "A, B", "B, C", "ABCD", "BB", "A B C D", "B/C", "not B",
     "B. London", "B but maybe C", "B. Paris or Rome", "Paris, Rome",
     "A. Paris",
     "Better not", "В", "Β", "B B", "B?", "A \\boxed{B}", "The answer is not B", "(A)(B)", "B.C.", "1", "Pari", "x" * 10_000],
)  # fmt: skip
def test_choices_that_are_not(given: str) -> None:
    assert value(choice(asking("B", choices=CITIES), answered(given))) == 0.0


def test_a_letter_with_a_text_that_nobody_can_check_has_to_name_no_second_one() -> None:
    for given, right in (
        ("B. it freezes", True),
        ("B: Paris", True),
        ("B. it is not C", False),
        ("B. or C", False),
        ("B. A", False),
        ("B. (c)", False),
        ("B: c", False),
        ("B. option c", False),
        ("B. as well as the third", False),
        ("B. both", False),
        ("B; perhaps", False),
        ("B. a dog", True),
        ("B. False", True),
        ("B. incorrect", False),
        ("B is wrong", False),
        ("B. That isn't it", False),
        ("B. none of these", False),
        ("B. 错误", False),
        ("B. wait, no", False),
        ("A dog", False),
    ):
        assert value(choice(asking("B"), answered(given))) == float(right)


def test_a_letter_is_a_letter_also_where_a_choice_reads_like_one() -> None:
    blood = asking("B", choices=("O", "A", "B", "AB"))  # as the task writes it: the second choice, which reads A
    for given, right in (("B", True), ("B. A", True), ("C", False), ("C. B", False), ("AB", False), ("A", False)):
        assert value(choice(blood, answered(given))) == float(right), given
    assert value(choice(asking("AB", choices=("O", "A", "B", "AB")), answered("D"))) == 1.0


def test_the_expected_choice_is_a_letter_a_text_or_an_index() -> None:
    for expected in ("B", "b", "(B)", "Paris", 1):
        assert choice(asking(expected, choices=CITIES), answered("B")) == Verdict(value=1.0, why="chose B in 'B', expected B")
    assert choice(asking("A", choices=("B", "A")), answered("A")) == Verdict(value=1.0, why="chose A in 'A', expected A")
    assert choice(asking("E"), answered("E"), count=5) == Verdict(value=1.0, why="chose E in 'E', expected E")
    assert choice(asking("B"), rollout("B")) == Verdict(value=0.0, why="no answer, expected B")
    assert choice(asking("B"), answered("C or B")) == Verdict(value=0.0, why="no single choice in 'C or B', expected B")
    for wrong in ("E", 4, "Berlin", True):
        with pytest.raises(ValueError, match=r"is neither one of the choices A, B, C, D nor the text of one"):
            choice(asking(wrong, choices=CITIES), answered("B"))


# countdown


@pytest.mark.parametrize(
    ("given", "right", "why"),
    [
        ("3*5+9=24", 1.0, "'3*5+9=24' is 24"),
        ("3*5+9 = 24/1", 1.0, "'3*5+9 = 24/1' is 24"),
        ("3*5+9=25", 0.0, "'3*5+9=25' is 24, but claims to be 25"),
        ("3*5+9=", 0.0, "'3*5+9=': there is no value after the equals sign"),
        ("3*5+9=the target", 0.0, "'3*5+9=the target': there is no value after the equals sign"),
        ("3*5+9=24 or 25", 0.0, "'3*5+9=24 or 25': there is no value after the equals sign"),
        ("3*5+9=24=24", 0.0, "'3*5+9=24=24': only numbers, + - * / and brackets are allowed"),
        ("3*5+9=24/0", 0.0, "'3*5+9=24/0': there is no value after the equals sign"),
    ],
)
def test_countdown_checks_what_stands_behind_the_equals_sign(given: str, right: float, why: str) -> None:
    assert countdown(asking(numbers=(3, 5, 9), target=24), answered(given)) == Verdict(value=right, why=why)


@pytest.mark.parametrize("name", sorted(p.stem for p in SHIPPED.glob("[a-z]*.py")))
def test_every_rule_is_named_after_its_file_and_says_what_it_covers(name: str) -> None:
    rule = rewards[name]
    assert rule.__module__ == f"rewards.{name}"
    assert rule.__doc__
    documented = sys.modules[rule.__module__].__doc__ or ""
    assert "overed" in documented
