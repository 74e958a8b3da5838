"""Rules on numbers: what is read as one, what is paid, and what it costs to read."""

import time
from typing import Any

import pytest
from asked import answered, asking, rollout, value

from rewards import Verdict
from rewards._number import plain_integer, read_number
from rewards._options import OptionError
from rewards.integer_form import integer_form
from rewards.math import math
from rewards.numeric import numeric

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
    assert numeric(asking(7), answered("7 or 8")) == Verdict(value=0.0, why="'7 or 8' is not a single number")
    assert numeric(asking(7), answered("1e999")).why.endswith("off by more than a float can hold")  # pyright: ignore
    assert numeric(asking("seven"), answered("7")) == Verdict(value=None, why="expected 'seven', which is not a number")
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
    assert integer_form(asking("7.5"), answered("7")) == Verdict(value=None, why="expected '7.5', which is not a whole number")
    assert integer_form(asking(7), answered("8")) == Verdict(value=0.0, why="extracted '8', expected 7")
    assert not plain_integer("007")
    with pytest.raises(OptionError, match=r"rewards\.integer_form\.partial must be between 0 and 1, got 2"):
        integer_form(asking(7), answered("7"), partial=2)


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
