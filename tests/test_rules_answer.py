"""Rules on the answer itself: exact values, what they say, and what they do not pay."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from r1lite.config import ScoringConfig
from r1lite.rules import Rules
from r1lite.score import Scorer
from r1lite.types import Group
from rewards import Problem, Rollout, Verdict, rewards
from rewards._number import plain_integer, read_number
from rewards._options import OptionError
from rewards.choice import choice
from rewards.countdown import countdown
from rewards.exact import exact
from rewards.integer_form import integer_form
from rewards.json_fields import json_fields
from rewards.json_schema import json_schema
from rewards.math import math
from rewards.numeric import numeric
from rewards.python_static import python_static
from rewards.regex import regex

SHIPPED = Path(__file__).parent.parent / "rewards"


def rollout(text: str) -> Rollout:
    return Rollout(problem_id="p", index=0, prompt_ids=(), token_ids=(), logprobs=(), text=text)


def answered(text: str) -> Rollout:
    return rollout(f"<think>so</think><answer>{text}</answer>")


def asking(answer: Any = None, **info: Any) -> Problem:
    return Problem(id="p", prompt="?", answer=answer, info=info)


def value(verdict: Verdict | float | None) -> float | None:
    assert isinstance(verdict, Verdict)
    return verdict.value


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
        ("B. wait, no", False),
        ("A dog", False),
    ):
        assert value(choice(asking("B"), answered(given))) == float(right)


def test_the_expected_choice_is_a_letter_a_text_or_an_index() -> None:
    for expected in ("B", "b", "(B)", "Paris", 1):
        assert choice(asking(expected, choices=CITIES), answered("B")) == Verdict(value=1.0, why="chose B in 'B', expected B")
    assert choice(asking("A", choices=("B", "A")), answered("A")) == Verdict(value=1.0, why="chose B in 'A', expected B")
    assert choice(asking("E"), answered("E"), count=5) == Verdict(value=1.0, why="chose E in 'E', expected E")
    assert choice(asking("B"), rollout("B")) == Verdict(value=0.0, why="no answer, expected B")
    assert choice(asking("B"), answered("C or B")) == Verdict(value=0.0, why="no single choice in 'C or B', expected B")
    for wrong in ("E", 4, "Berlin", True):
        with pytest.raises(ValueError, match=r"is none of the choices A, B, C, D, nor the text of one"):
            choice(asking(wrong, choices=CITIES), answered("B"))


# numbers


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", "12"),
        ("-3.5", "-7/2"),
        ("−3.5", "-7/2"),
        ("+7", "7"),
        (".5", "1/2"),
        ("7.", "7"),
        ("14/2", "7"),
        ("1,234,567.5", "2469135/2"),
        ("1.5e3", "1500"),
        ("2 × 10^6", "2000000"),
        ("2 \\times 10^{-2}", "1/50"),
        ("2*10^3", "2000"),
        ("$12$", "12"),
        ("７", "7"),
    ],
)
def test_numbers_that_are_read(text: str, number: str) -> None:
    assert str(read_number(text)) == number


@pytest.mark.parametrize(
    "text",
    ["", "seven", "7 8", "7 or 8", "7,8", "1,23", "5+2", "2**3", "2^3",
     "1/0", "7/", "1.5/2", "nan", "inf", "1e9999", "0x1f", "1_000", "9" * 41, "--7", "7-", "1/2/3", "٧", "²", "5²"],
)  # fmt: skip
def test_numbers_that_are_not(text: str) -> None:
    assert read_number(text) is None


@pytest.mark.parametrize(
    ("given", "expected", "options", "right"),
    [
        ("3.14", "3.14", {}, True),
        ("3.140", 3.14, {}, True),
        ("3.15", "3.14", {}, False),
        ("3.15", "3.14", {"tolerance": 0.01}, True),
        ("3.1501", "3.14", {"tolerance": 0.01}, False),
        ("0.3", "0.1", {"tolerance": 0.2}, True),
        ("105", "100", {"relative": 0.05}, True),
        ("-105", "-100", {"relative": 0.05}, True),
        ("106", "100", {"relative": 0.05}, False),
        ("0.001", "0", {"relative": 0.5}, False),
        ("$12", "12", {}, True),
        ("-$12", "-12", {}, True),
        ("12 cm", "12", {}, False),
        ("12 cm", "12", {"unit": "cm"}, True),
        ("12 cm", "12 cm", {"unit": "cm"}, True),
        ("12 m", "12", {"unit": "cm"}, False),
        ("12 or 13", "12", {"tolerance": 1}, False),
        ("12 13", "12", {"tolerance": 1e9}, False),
        ("inf", "12", {"tolerance": 1e9}, False),
        ("nan", "12", {"tolerance": 1e9}, False),
    ],
)
def test_numeric(given: str, expected: Any, options: dict[str, Any], right: bool) -> None:
    assert value(numeric(asking(expected), answered(given), **options)) == float(right)


def test_numeric_says_how_far_off() -> None:
    assert numeric(asking("3.14"), answered("3.15")).why == "extracted '3.15', expected '3.14': off by 0.01"  # pyright: ignore
    assert numeric(asking(7), answered("7")).why == "extracted '7', expected '7': equal"  # pyright: ignore
    assert numeric(asking(7), answered("7 or 8")) == Verdict(value=0.0, why="'7 or 8' is no single number")
    assert numeric(asking(7), answered("1e999")).why.endswith("off by more than a float can hold")  # pyright: ignore
    assert numeric(asking("seven"), answered("7")) == Verdict(value=None, why="expected 'seven', which is no number")
    for option in ("tolerance", "relative"):
        with pytest.raises(OptionError, match=f"rewards.numeric.{option} must be at least 0, got -1"):
            numeric(asking(7), answered("7"), **{option: -1})


# integer_form


@pytest.mark.parametrize("given", ["7", " 7 ", "７", "$7$"])
def test_integer_form_in_full(given: str) -> None:
    assert value(integer_form(asking("7"), answered(given))) == 1.0


@pytest.mark.parametrize("given", ["14/2", "7.0", "7.", "+7", "07", "7/1", "70e-1", "0.7e1"])
def test_integer_form_in_part(given: str) -> None:
    assert integer_form(asking("7"), answered(given)) == Verdict(value=0.5, why=f"{given!r} is 7, not in its simplest form")
    assert value(integer_form(asking("7"), answered(given), partial=0.1)) == 0.1


@pytest.mark.parametrize("given", ["8", "5+2", "7 or 14/2", "14/2 = 7", "2**3-1", "-7", "", "seven", "15/2", "14/2/1", "7" * 50, "7 7"])
def test_integer_form_not_at_all(given: str) -> None:
    assert value(integer_form(asking("7"), answered(given))) == 0.0


def test_integer_form_of_other_numbers() -> None:
    assert value(integer_form(asking(-1000), answered("-1,000"))) == 1.0
    assert value(integer_form(asking(0), answered("-0"))) == 0.5
    assert value(integer_form(asking("14/2"), answered("7"))) == 1.0
    assert integer_form(asking("7.5"), answered("7")) == Verdict(value=None, why="expected '7.5', which is no whole number")
    assert integer_form(asking(7), answered("8")) == Verdict(value=0.0, why="extracted '8', expected 7")
    assert not plain_integer("007")
    with pytest.raises(OptionError, match=r"rewards\.integer_form\.partial must lie between 0 and 1, got 2"):
        integer_form(asking(7), answered("7"), partial=2)


# regex


@pytest.mark.parametrize(
    ("given", "options", "expected"),
    [
        ("2026-11-21", {"pattern": r"\d{4}-\d\d-\d\d"}, True),
        ("on 2026-11-21", {"pattern": r"\d{4}-\d\d-\d\d"}, False),
        ("on 2026-11-21", {"pattern": r"\d{4}-\d\d-\d\d", "search": True}, True),
        ("YES", {"pattern": "yes|no"}, False),
        ("YES", {"pattern": "(?i)yes|no"}, True),
        ("7 apples", {"pattern": r"{answer} apples?"}, True),
        ("8 apples", {"pattern": r"{answer} apples?"}, False),
        ("", {"pattern": ".+"}, False),
    ],
)
def test_regex(given: str, options: dict[str, Any], expected: bool) -> None:
    assert value(regex(asking("7"), answered(given), **options)) == float(expected)


def test_regex_takes_the_answer_literally_and_says_what_matched() -> None:
    assert value(regex(asking("1.5"), answered("1x5"), pattern="{answer}")) == 0.0
    assert regex(asking("a+b"), answered("is a+b"), pattern="{answer}", search=True) == Verdict(value=1.0, why=r"'a+b' matches 'a\\+b'")
    assert regex(asking(), answered("8"), pattern="7") == Verdict(value=0.0, why="no match for '7' in '8'")
    assert regex(asking(), rollout("7"), pattern="7") == Verdict(value=0.0, why="no answer")
    assert regex(asking(), answered("7"), pattern="{answer}") is None
    assert value(regex(asking(), answered("7"), pattern="so", within="thought")) == 1.0
    assert regex(asking(), answered("7" * 100_001), pattern="7+") == Verdict(value=0.0, why="longer than 100000 characters")


def test_regex_refuses_what_is_no_pattern() -> None:
    with pytest.raises(OptionError, match=r"rewards\.regex\.pattern '\(' is no pattern: missing \), unterminated subpattern"):
        regex(Problem(id="", prompt=""), rollout(""), pattern="(")


def test_a_pattern_that_explodes_costs_its_own_deadline_and_nothing_else() -> None:
    cfg = ScoringConfig(workers=1, seconds=1.0, memory_mb=512, max_failed_share=1.0, right_rule="", right_at=1.0)
    with Scorer(Rules.from_config({"regex": {"pattern": "(a+)+"}, "exact": {}}), cfg) as scorer:
        [[scored]] = scorer.score([Group(problem=asking("7"), rollouts=(answered("a" * 60 + "b"),))])
    assert {name: v.outcome for name, v in scored.verdicts.items()} == {"regex": "timed_out", "exact": "scored"}


# json_schema, json_fields

SCHEMA = {
    "type": "object",
    "required": ["name", "items"],
    "additionalProperties": False,
    "properties": {"name": {"type": "string", "minLength": 1}, "items": {"type": "array", "items": {"type": "integer"}}},
}
GOOD = '{"name": "Ann", "items": [1, 2]}'


@pytest.mark.parametrize(
    ("given", "right", "why"),
    [
        (GOOD, 1.0, "valid under the schema"),
        (f"```json\n{GOOD}\n```", 1.0, "valid under the schema"),
        (f"```\n{GOOD}\n```", 1.0, "valid under the schema"),
        ('{"name": "Ann", "items": [1, "2"]}', 0.0, 'items[1]: "2" is not of type "integer"'),
        ('{"name": "Ann"}', 0.0, 'the whole: "items" is a required property'),
        (f"{GOOD} {GOOD}", 0.0, "not JSON: Extra data: line 1 column 34 (char 33)"),
        (f"{GOOD} or so", 0.0, "not JSON: Extra data: line 1 column 34 (char 33)"),
        (f"Here it is: {GOOD}", 0.0, "not JSON: Expecting value: line 1 column 1 (char 0)"),
        ('{"name": "Ann", "name": "Bob", "items": []}', 0.0, "the name 'name' stands twice in one object"),
        ('{"name": "Ann", "items": [NaN]}', 0.0, "NaN is not JSON"),
        ("", 0.0, "not JSON: Expecting value: line 1 column 1 (char 0)"),
        ("[" * 99_999, 0.0, "not JSON: maximum recursion depth exceeded while decoding a JSON array from a unicode string"),
        ("[" * 102 + "]" * 102, 0.0, "deeper than 100 levels"),
        ("9" * 5000, 0.0, "not JSON: Exceeds the limit (4300 digits) for integer string conversion: value has 5000 digits; "
         "use sys.set_int_max_str_digits() to increase the limit"),
        (" " * 100_001 + "1", 1.0, ""),
        ("1" + "." + "1" * 100_000, 0.0, "longer than 100000 characters"),
    ],
)  # fmt: skip
def test_json_schema(given: str, right: float, why: str) -> None:
    if not why:  # white space around the value costs nothing
        assert json_schema(asking(), answered(given), schema={"type": "integer"}).value == right
    else:
        assert json_schema(asking(), answered(given), schema=SCHEMA) == Verdict(value=right, why=why)


def test_the_schema_may_be_text_or_come_from_a_column() -> None:
    assert json_schema(asking(), answered("7"), schema='{"type": "integer"}').value == 1.0
    assert json_schema(asking(schema={"type": "integer"}), answered("7")).value == 1.0
    assert json_schema(asking(form='{"type": "string"}'), answered("7"), column="form").value == 0.0
    assert json_schema(asking(), rollout("7"), schema="{}") == Verdict(value=0.0, why="no answer")
    with pytest.raises(KeyError, match="no column 'schema'"):
        json_schema(asking(), answered("7"))


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "objekt"}, r'\{"type": "objekt"\} is no schema: "objekt" is not valid'),
        ("{", r"\{ is no schema: Expecting property name"),
        ({"$ref": "http://localhost:1/a.json"}, "it refers to http://localhost:1/a.json, and nothing is fetched"),
        ({"$ref": "file:///etc/hostname"}, "it refers to file:///etc/hostname, and nothing is fetched"),
    ],
)
def test_json_schema_refuses_a_schema_that_is_none(schema: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        json_schema(Problem(id="", prompt=""), rollout(""), schema=schema)


def test_json_schema_says_which_extra_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    with pytest.raises(OptionError, match=r"needs the extra `schema`: pip install 'r1lite\[schema\]'"):
        json_schema(asking(), answered("7"), schema={"title": "not seen before"})


GOLD = {"name": "Ann", "age": 7, "tags": ["a", "b"], "home": {"city": "Rome"}}


@pytest.mark.parametrize(
    ("given", "right", "why"),
    [
        (GOLD, 1.0, "5 of 5 fields are right"),
        (GOLD | {"age": 7.0, "name": " Ann "}, 1.0, "5 of 5 fields are right"),
        (GOLD | {"age": 8}, 0.8, "4 of 5 fields are right; not: age"),
        (GOLD | {"age": "7"}, 0.8, "4 of 5 fields are right; not: age"),
        (GOLD | {"name": "ann"}, 0.8, "4 of 5 fields are right; not: name"),
        (GOLD | {"tags": ["b", "a"]}, 0.6, "3 of 5 fields are right; not: tags[0], tags[1]"),
        (GOLD | {"tags": ["a"]}, 0.8, "4 of 5 fields are right; not: tags[1]"),
        (GOLD | {"home": {"city": "Oslo"}}, 0.8, "4 of 5 fields are right; not: home.city"),
        (GOLD | {"extra": 1}, 5 / 6, "5 of 6 fields are right; not: extra"),
        (GOLD | {f"extra{i}": i for i in range(15)}, 0.25, "5 of 20 fields are right; not: extra0, extra1, extra2, ..."),
        ({"home.city": "Rome"}, 0.0, "0 of 6 fields are right; not: name, age, tags[0], ..."),
        ({}, 0.0, "0 of 6 fields are right; not: name, age, tags[0], ..."),
        (7, 0.0, "0 of 6 fields are right; not: name, age, tags[0], ..."),
    ],
)
def test_json_fields(given: Any, right: float, why: str) -> None:
    assert json_fields(asking(GOLD), answered(json.dumps(given))) == Verdict(value=right, why=why)
    assert json_fields(asking(json.dumps(GOLD)), answered(json.dumps(given)), all_right=True) == Verdict(value=float(right == 1), why=why)


def test_json_fields_tells_kinds_apart() -> None:
    for gold, given, right in (
        (1, True, 0.0),
        (True, 1, 0.0),
        (None, False, 0.0),
        (None, None, 1.0),
        ([], {}, 0.0),
        ([], [], 1.0),
        ({"a": []}, {}, 0.0),
    ):
        assert value(json_fields(asking({"x": gold}), answered(json.dumps({"x": given})))) == right
    assert value(json_fields(asking({"x": "Ann"}), answered('{"x": "ANN"}'), ignore_case=True)) == 1.0
    assert json_fields(asking({"x": 1}), answered("x: 1")) == Verdict(value=0.0, why="not JSON: Expecting value: line 1 column 1 (char 0)")
    assert json_fields(asking({"x": 1}), answered('{"x": 1e999}')) == Verdict(value=0.0, why="1e999 is too large")
    assert json_fields(asking({"x": 1}), rollout("")) == Verdict(value=0.0, why="no answer")


# python_static


def fenced(program: str, language: str = "python") -> Rollout:
    return rollout(f"<think>so</think>\n```{language}\n{program}\n```\n")


@pytest.mark.parametrize(
    ("program", "right", "why"),
    [
        ("print(7)", 1.0, "1 lines that compile"),
        ("def f(x):\n    return x + 1", 1.0, "2 lines that compile"),
        ("print(undefined)", 1.0, "1 lines that compile"),
        ("def f(x:\n    return x", 0.0, "line 1: '(' was never closed"),
        ("return 7", 0.0, "line 1: 'return' outside function"),
        ("print 7", 0.0, "line 1: Missing parentheses in call to 'print'. Did you mean print(...)?"),
        ("", 0.0, "it does nothing"),
        ("# a plan", 0.0, "it does nothing"),
        ("pass\n'''a plan'''\n...", 0.0, "it does nothing"),
        ("answer", 0.0, "it does nothing"),
        ("1 + 1\n[]\nlambda: 0", 0.0, "it does nothing"),
        ("if True:\n    pass\nwhile x: ...", 0.0, "it does nothing"),
        ("def f():\n    return\nasync def g():\n    return None", 0.0, "it does nothing"),
        ("@dataclass\nclass Point:\n    x: int", 1.0, "3 lines that compile"),
        ("def f():\n    '''a plan'''\n    pass", 0.0, "it does nothing"),
        ("x = 'a\0b'", 0.0, "line None: source code string cannot contain null bytes"),
        ("x = '\ud800'", 0.0, "it cannot be read: UnicodeEncodeError"),
        ("x = " + "-" * 19_000 + "1", 0.0, "it cannot be read: MemoryError"),
        ("x = " + "1+" * 9_000 + "1", 0.0, "it cannot be read: RecursionError"),
        ("x = " + "(" * 300 + ")" * 300, 0.0, "line 1: too many nested parentheses"),
        ("x = " + "lambda:" * 500 + "1", 0.0, "nested deeper than 100 levels"),
        ("x = 1\n" * 4000, 0.0, "longer than 20000 characters"),
        ("x = 9**9**9**9**9", 1.0, "1 lines that compile"),
        ("x = 'a' * 10**12", 1.0, "1 lines that compile"),
        ("import os; os._exit(7)", 1.0, "1 lines that compile"),
        ("x = '\\d'", 1.0, "1 lines that compile"),
    ],
)
def test_python_static(program: str, right: float, why: str) -> None:
    assert python_static(asking(), fenced(program)) == Verdict(value=right, why=why)


def test_python_static_reads_the_last_python_block_after_the_thought() -> None:
    good, bad = "```python\nprint(7)\n```\n", "```python\nprint(7\n```\n"
    assert value(python_static(asking(), rollout(f"<think>so</think>{bad}then\n{good}"))) == 1.0
    assert value(python_static(asking(), rollout(f"<think>so</think>\n{good}then\n{bad}"))) == 0.0
    assert value(python_static(asking(), rollout(f"<think>so</think>\n{good}run it:\n```bash\npython a.py\n```\n"))) == 1.0
    assert value(python_static(asking(), rollout(f"<think>so</think><answer>\n{good}</answer>"), within="answer")) == 1.0
    assert value(python_static(asking(), rollout(f"<think>so</think><answer>{good.strip()}</answer>"))) == 1.0  # the house form
    for unpaid in (f"<think>{good}</think>", f"<think>{good}", "<think>so</think>\n```python\nprint(7)", "<think>so</think> print(7)", ""):
        assert python_static(asking(), rollout(unpaid)) == Verdict(value=0.0, why="no fenced Python block")


def test_python_static_wants_what_was_asked_for_to_be_defined() -> None:
    program = fenced("def solve(x):\n    return x")
    assert value(python_static(asking(), program, defines="solve")) == 1.0
    assert python_static(asking(), program, defines="main") == Verdict(value=0.0, why="it does not define main")
    stub = fenced("def solve(x): ...\nx = 1")
    assert python_static(asking(), stub, defines="solve") == Verdict(value=0.0, why="solve does nothing")
    assert value(python_static(asking(entry="solve"), program, column="entry")) == 1.0
    assert value(python_static(asking(entry="main"), program, column="entry")) == 0.0
    assert python_static(asking(), program, column="entry") is None
    assert value(python_static(asking(), fenced("# def solve(): ...\nprint('def solve')"), defines="solve")) == 0.0


# countdown


@pytest.mark.parametrize(
    ("given", "right", "why"),
    [
        ("3*5+9=24", 1.0, "'3*5+9=24' is 24"),
        ("3*5+9 = 24/1", 1.0, "'3*5+9 = 24/1' is 24"),
        ("3*5+9=25", 0.0, "'3*5+9=25' is 24, and says that it is 25"),
        ("3*5+9=", 0.0, "'3*5+9=': what stands behind the equals sign is no value"),
        ("3*5+9=the target", 0.0, "'3*5+9=the target': what stands behind the equals sign is no value"),
        ("3*5+9=24 or 25", 0.0, "'3*5+9=24 or 25': what stands behind the equals sign is no value"),
        ("3*5+9=24=24", 0.0, "'3*5+9=24=24': only numbers, + - * / and brackets are understood"),
        ("3*5+9=24/0", 0.0, "'3*5+9=24/0': what stands behind the equals sign is no value"),
    ],
)
def test_countdown_checks_what_stands_behind_the_equals_sign(given: str, right: float, why: str) -> None:
    assert countdown(asking(numbers=(3, 5, 9), target=24), answered(given)) == Verdict(value=right, why=why)


# sizes


@pytest.mark.parametrize("gap", [" ", "\n", "\u00a0", "*", "_", "`", "* ", "\t"])
def test_a_page_of_nothing_costs_no_time(gap: str) -> None:
    for rule in (numeric, integer_form, math):
        begun = time.process_time()
        for text in (f"7{gap * 100_000}8", f"-{gap * 100_000}7", f"The answer is 7{gap * 100_000}8"):
            assert value(rule(asking("9"), answered(text))) == 0.0
        assert time.process_time() - begun < 1


def test_math_reads_around_a_page_of_blanks() -> None:
    assert value(math(asking("7"), rollout(f"<think>so</think>{' ' * 9999}The answer is{chr(10) * 9999}7"))) == 1.0
    assert value(numeric(asking("7"), answered(f"{' ' * 9999}7{chr(10) * 9999}"))) == 1.0


# code


@pytest.mark.parametrize("name", sorted(p.stem for p in SHIPPED.glob("[a-z]*.py")))
def test_every_rule_is_named_after_its_file_and_says_what_it_covers(name: str) -> None:
    rule = rewards[name]
    assert rule.__module__ == f"rewards.{name}"
    assert rule.__doc__
    documented = sys.modules[rule.__module__].__doc__ or ""
    assert "overed" in documented
