"""What answers mean to the rule `math`: classes of notation, each with pairs that are equal and pairs that are not."""

import pytest

from rewards._math.judge import judge

PAIR = ("gold", "given", "equal")


def agree(gold: str, given: str) -> bool:
    return bool(judge(gold, given))


@pytest.mark.parametrize(
    PAIR,
    [
        ("42", r"\neq 42", False),
        ("42", "> 42", False),
        ("42", r"\le 42", False),
        ("42", r"\not= 42", False),
        (r"\le 42", "42", False),
        ("42", "= 42", True),
        ("42", r"\approx 42", True),
        ("> 42", "x > 42", True),
        (r"x \le 42", r"\le 42", True),
        ("x > 42", "< 42", False),
    ],
)
def test_a_relation_in_front_counts(gold: str, given: str, equal: bool) -> None:
    assert agree(gold, given) is equal


@pytest.mark.parametrize(
    PAIR,
    [
        ("42", r"42 \text{ thousandths}", False),
        ("0.042", r"42 \text{ thousandths}", True),
        (r"\frac{3}{4}", r"3 \text{ quarters}", True),
        ("3", "3 quarters", False),
        ("42", r"42 \text{ squared}", False),
        ("1764", r"42 \text{ squared}", True),
        ("120", "5 factorial", True),
        ("5", "5 factorial", False),
        ("-5", r"5 \text{ degrees below zero}", True),
        ("5", r"5 \text{ below zero}", False),
        ("42", "42ish", False),
        ("42", "42 doubled", False),
        ("5 m^2", "5 meters squared", True),
        ("5", "5 units squared", True),
        ("30 seconds", "30 s", True),
        ("42", "42 apples", True),
    ],
)
def test_words_behind_a_number_count(gold: str, given: str, equal: bool) -> None:
    assert agree(gold, given) is equal


@pytest.mark.parametrize(
    "given",
    [
        r"\textnormal{42}",
        r"\textcolor{blue}{42}",
        r"{\color{red} 42}",
        r"\phantom{1}42",
        r"42\tag{1}",
        r"\large 42",
        r"\bf 42",
        r"42 \quad\checkmark",
    ],
)
def test_markup_says_nothing(given: str) -> None:
    assert agree("42", given)
    assert not agree("43", given)


def test_what_cannot_be_seen_is_no_answer() -> None:
    assert not agree("42", r"\phantom{42}")
    assert not agree("42", r"4\phantom{2}")


UNDEFINED = [
    r"\infty-\infty",
    r"0\cdot\infty",
    r"\frac{\infty}{\infty}",
    r"\infty^0",
    r"\ln 0-\ln 0",
    r"\frac{\ln 0}{\ln 0}",
    "0/0",
    r"\frac{x-x}{x-x}",
    "0^0",
    r"\tan\frac{\pi}{2}-\tan\frac{\pi}{2}",
    r"0\ln 0",
]


@pytest.mark.parametrize("given", UNDEFINED)
def test_what_has_no_value_equals_nothing(given: str) -> None:
    assert not any(agree(gold, given) or agree(given, gold) for gold in ("0", "1", "x", r"\infty", *UNDEFINED) if gold != given)
    assert agree(given, given)  # the same text is the same answer, whatever it means


def test_infinity_alone_is_an_answer() -> None:
    assert agree(r"\infty", r"+\infty")
    assert not agree(r"\infty", r"-\infty")
    assert agree("0", r"\cos\frac{\pi}{2}")
    assert agree("0", r"\cot\frac{\pi}{2}")


@pytest.mark.parametrize(
    PAIR,
    [
        ("3", "!3", False),
        ("3", "3'", False),
        ("3", "3?", False),
        ("3", r"\hat{3}", False),
        ("3", r"\vec{3}", False),
        ("3", "3...", False),
        ("3.14", r"3.14\ldots", False),
        ("v", r"\vec{v}", False),
        (r"\vec{AB}", r"\overrightarrow{AB}", True),
        (r"2\mathbf{i}+3\mathbf{j}", r"3\hat{j}+2\hat{\mathbf{i}}", True),
        ("3", "3.", True),
        ("yes", "Yes!", True),
    ],
)
def test_no_sign_is_dropped(gold: str, given: str, equal: bool) -> None:
    assert agree(gold, given) is equal


@pytest.mark.parametrize(
    PAIR,
    [
        (r"\frac{1}{3}", r"0.\dot{3}", True),
        (r"\frac{1}{3}", r"0.\bar{3}", True),
        (r"\frac{1}{3}", "0.(3)", True),
        (r"\frac{1}{3}", "0.333...", True),
        (r"\frac{1}{3}", "0.333", False),
        (r"\frac{1}{6}", r"0.1\dot{6}", True),
        (r"\frac{12}{99}", r"0.\dot{1}\dot{2}", True),
        (r"\frac{123}{999}", r"0.\dot{1}2\dot{3}", True),
        (r"\frac{123}{999}", r"0.12\dot{3}", False),
        (r"\frac{4}{33}", "0.1212...", True),
        ("0.5x", "0.5(x)", True),
    ],
)
def test_repeating_decimals(gold: str, given: str, equal: bool) -> None:
    assert agree(gold, given) is equal
