"""Every rule: exact values, what it says of them, and what does not fool it."""

from typing import Any

import pytest

from r1lite.types import Finish
from rewards import Problem, Rollout, Verdict, needs
from rewards.answer import answer, number, same
from rewards.countdown import NotAnExpression, countdown, evaluate
from rewards.format import format
from rewards.length import length


def rollout(text: str, *, tokens: int = 1, finish: Finish = "stop", prefill: str = "") -> Rollout:
    ids = tuple(range(tokens))
    return Rollout(
        problem_id="p", index=0, prompt_ids=(), token_ids=ids, logprobs=(0.0,) * tokens, text=text, finish=finish, prefill=prefill
    )


def answered(text: str) -> Rollout:
    return rollout(f"<think>so</think><answer>{text}</answer>")


def asking(answer: Any = None, **info: Any) -> Problem:
    return Problem(id="p", prompt="?", answer=answer, info=info)


# answer


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("26", "26"),
        (" 26\n", "26"),
        ("026", "26"),
        ("26.0", "26"),
        ("+26", "26"),
        ("-7", "-7.00"),
        ("52/2", "26"),
        ("0.5", "1/2"),
        ("1,234,567", "1234567"),
        ("1,234.50", "1234.5"),
        ("New  York", "new york"),
        ("1/0", "1/0"),
    ],
)
def test_answers_that_are_the_same(given: str, expected: str) -> None:
    assert same(given, expected)
    assert same(expected, given)
    assert answer(asking(expected), answered(given)) == Verdict(value=1.0, why=f"extracted {given.strip()!r}, expected {expected!r}")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("27", "26"),
        ("", "26"),
        ("26 or 27", "26"),
        ("2 6", "26"),
        ("26.", "26"),
        ("2**3", "8"),
        ("13+13", "26"),
        ("nan", "26"),
        ("inf", "26"),
        ("2.6e1", "26"),
        ("1,23", "123"),
        ("1,2345", "12345"),
        ("26/0", "26"),
        ("26/1.0", "26"),
        ("-26", "26"),
        ("--26", "26"),
        ("２６", "26"),
        ("٢٦", "26"),
        ("²", "2"),
        ("0x1a", "26"),
        ("2_6", "26"),
        ("York", "New York"),
    ],
)
def test_answers_that_differ(given: str, expected: str) -> None:
    assert not same(given, expected)
    assert answer(asking(expected), answered(given)) == Verdict(value=0.0, why=f"extracted {given!r}, expected {expected!r}")


def test_numbers_too_long_to_be_meant_are_compared_as_text() -> None:
    nines = "9" * 40
    assert number(nines) == int(nines)
    assert number(nines + "9") is None
    assert number("9" * 100_000) is None
    assert same("9" * 5000, "9" * 5000)
    assert not same("9" * 5000, "09" + "9" * 4999)


def test_the_expected_answer_may_be_a_number() -> None:
    assert answer(asking(26), answered("26")) == Verdict(value=1.0, why="extracted '26', expected '26'")
    assert answer(asking(0.5), answered("1/2")) == Verdict(value=1.0, why="extracted '1/2', expected '0.5'")


def test_answer_abstains_without_an_answer_and_scores_0_without_a_block() -> None:
    assert answer(asking(None), answered("26")) is None
    assert answer(asking("26"), rollout("it is 26")) == Verdict(value=0.0, why="no answer block")
    assert answer(asking("26"), rollout("<think>perhaps <answer>26</answer> or")) == Verdict(value=0.0, why="no answer block")


def test_of_two_answers_the_last_one_counts() -> None:
    assert answer(asking("26"), rollout("<answer>26</answer><answer>27</answer>")).value == 0.0  # pyright: ignore
    assert answer(asking("26"), rollout("<think><answer>26</answer></think><answer>27</answer>")).value == 0.0  # pyright: ignore
    assert answer(asking("26"), rollout("so</think><answer>26</answer>", prefill="<think>")).value == 1.0  # pyright: ignore


# countdown


COUNTDOWN = asking(target=24, numbers=(3, 5, 9))


@pytest.mark.parametrize("given", ["3*5+9", "9+5*3", " ( 3 * 5 ) + 9 ", "3*5+9=24", "((3)*(5))+(9)", "(9 +\n3*5)", "9/3*(5+3)"])
def test_countdown_expressions_that_reach_the_target(given: str) -> None:
    problem = COUNTDOWN if "/" not in given else asking(target=24, numbers=(9, 3, 5, 3))
    assert countdown(problem, answered(given)) == Verdict(value=1.0, why=f"{given.strip()!r} is 24")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("3*5-9", "'3*5-9' is 6, expected 24"),
        ("3*9+5", "'3*9+5' is 32, expected 24"),
        ("9/5*3", "'9/5*3' is 27/5, expected 24"),
        ("3+9+5=24", "'3+9+5=24' is 17, expected 24"),
    ],
)
def test_countdown_partial_is_for_the_right_numbers_at_another_value(given: str, why: str) -> None:
    assert countdown(COUNTDOWN, answered(given)) == Verdict(value=0.0, why=why)
    assert countdown(COUNTDOWN, answered(given), partial=0.1) == Verdict(value=0.1, why=why)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("24", "'24' uses [24], expected [3, 5, 9]"),
        ("3*5", "'3*5' uses [3, 5], expected [3, 5, 9]"),
        ("3*5+9+0", "'3*5+9+0' uses [0, 3, 5, 9], expected [3, 5, 9]"),
        ("3*3+5*3", "'3*3+5*3' uses [3, 3, 3, 5], expected [3, 5, 9]"),
        ("3+5+9+9", "'3+5+9+9' uses [3, 5, 9, 9], expected [3, 5, 9]"),
        ("39-5-10", "'39-5-10' uses [5, 10, 39], expected [3, 5, 9]"),
    ],
)
def test_countdown_wants_each_number_once(given: str, why: str) -> None:
    assert countdown(COUNTDOWN, answered(given), partial=0.1) == Verdict(value=0.0, why=why)


UNDERSTOOD = "only numbers, + - * / and brackets are allowed"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("3**5", UNDERSTOOD),
        ("9**9**9**9", UNDERSTOOD),
        ("9//5", UNDERSTOOD),
        ("9%5", UNDERSTOOD),
        ("-3+5", UNDERSTOOD),
        ("~3", UNDERSTOOD),
        ("3 if 5 else 9", UNDERSTOOD),
        ("target", UNDERSTOOD),
        ("__import__('os').system('true')", UNDERSTOOD),
        ("(lambda: 24)()", UNDERSTOOD),
        ("3(5)", UNDERSTOOD),
        ("()", UNDERSTOOD),
        ("[3,5]", UNDERSTOOD),
        ("3,5", UNDERSTOOD),
        ("True+5", UNDERSTOOD),
        ("3.0+5", UNDERSTOOD),
        ("3e1", UNDERSTOOD),
        ("0x18", UNDERSTOOD),
        ("1_0", UNDERSTOOD),
        ("3j", UNDERSTOOD),
        ("3+5 # or so", UNDERSTOOD),
        ("3+5;9", UNDERSTOOD),
        ("3:=5", UNDERSTOOD),
        ("3==3", UNDERSTOOD),
        ("'3'", UNDERSTOOD),
        ("3×5", UNDERSTOOD),
        ("３*５", UNDERSTOOD),
        ("²", UNDERSTOOD),
        ("3+", "not an expression"),
        ("", "not an expression"),
        ("3 5", "not an expression"),
        ("(3+5", "not an expression"),
        ("3\n+5", "not an expression"),
        ("03+5", "not an expression"),
        ("3/0", "division by zero"),
        ("3/(5-5)", "division by zero"),
        ("(" * 2000 + "3" + ")" * 2000, "longer than 200 characters"),
        ("9" * 201, "longer than 200 characters"),
        ("(" * 100 + "3" + ")" * 99, "not an expression"),
    ],
)
def test_countdown_understands_nothing_but_arithmetic(text: str, why: str) -> None:
    with pytest.raises(NotAnExpression) as error:
        evaluate(text)
    assert str(error.value) == why


def test_countdown_says_why_an_answer_is_no_expression() -> None:
    assert countdown(COUNTDOWN, answered("3**5+9")) == Verdict(value=0.0, why=f"'3**5+9': {UNDERSTOOD}")
    assert countdown(COUNTDOWN, answered("24=24=24")) == Verdict(value=0.0, why=f"'24=24=24': {UNDERSTOOD}")
    assert countdown(COUNTDOWN, rollout("3*5+9")) == Verdict(value=0.0, why="no answer block")


def test_countdown_takes_the_longest_expressions_that_are_allowed() -> None:
    assert evaluate("(" * 99 + "3" + ")" * 99) == (3, [3])
    assert evaluate("1" + "+1" * 99) == (100, [1] * 100)
    assert evaluate("9*" * 99 + "9")[0] == 9**100
    assert evaluate("9" * 200)[0] == int("9" * 200)


def test_countdown_reads_numbers_as_a_data_set_writes_them() -> None:
    assert countdown(asking(target="24", numbers=["3", "5", "9"]), answered("3*5+9")).value == 1.0
    with pytest.raises(KeyError, match=r"the problem has no column 'target'; it has numbers\. Map one with task\.columns"):
        countdown(asking(numbers=[3]), answered("3"))
    with pytest.raises(KeyError, match="it has none"):
        needs(asking(), "numbers")


# format


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "<think> is missing"),
        ("<answer>2</answer>", "<think> is missing"),
        ("<think>a</think>", "<answer> is missing"),
        ("<think>a</think><answer>2", "</answer> is missing"),
        ("<think>a<think>b</think></think><answer>2</answer>", "<think> occurs 2 times"),
        ("<think>a</think><answer>2</answer><answer>3</answer>", "<answer> occurs 2 times"),
        ("<answer>2</answer><think>a</think>", "the tags are out of order"),
        ("<think>a<answer>2</answer></think>", "the tags are out of order"),
        ("<think> </think><answer>2</answer>", "a block is empty, or there is text outside the blocks"),
        ("<think>a</think><answer></answer>", "a block is empty, or there is text outside the blocks"),
        ("<think>a</think><answer>2</answer>.", "a block is empty, or there is text outside the blocks"),
        ("Well, <think>a</think><answer>2</answer>", "a block is empty, or there is text outside the blocks"),
        ("<think>a</think>so<answer>2</answer>", "a block is empty, or there is text outside the blocks"),
    ],
)
def test_format_says_what_is_wrong(text: str, why: str) -> None:
    assert format(asking(), rollout(text)) == Verdict(value=0.0, why=why)


def test_format_of_a_well_formed_response() -> None:
    good = Verdict(value=1.0, why="one thought, then one answer")
    assert format(asking(), rollout("<think>a</think>\n<answer>2</answer>\n")) == good
    assert format(asking(), rollout("a</think><answer>2</answer>", prefill="<think>\n")) == good
    assert format(asking(), rollout("<think>a</think><answer>2</answer>", prefill="<think>\n")).why == "<think> occurs 2 times"


def test_format_tells_a_response_that_was_cut_off() -> None:
    assert format(asking(), rollout("<think>a", finish="length")) == Verdict(value=0.0, why="cut off at the token limit")
    assert format(asking(), rollout("<think>a</think><answer>2", finish="length")).why == "cut off at the token limit"


# length


def test_length_is_free_up_to_the_margin_and_then_falls_to_minus_one() -> None:
    values = [length(asking(), rollout("", tokens=n), limit=16, margin=4).value for n in (0, 11, 12, 13, 14, 15, 16, 99)]
    assert values == [0.0, 0.0, 0.0, -0.25, -0.5, -0.75, -1.0, -1.0]
    assert length(asking(), rollout("", tokens=14), limit=16, margin=4).why == "14 tokens, no penalty up to 12"
    assert length(asking(), rollout("", tokens=16), limit=16, margin=4).why == "16 tokens, limit 16"


def test_length_of_what_was_cut_off_is_minus_one() -> None:
    assert length(asking(), rollout("", tokens=3, finish="length"), limit=16, margin=4) == Verdict(value=-1.0, why="3 tokens, limit 16")


@pytest.mark.parametrize("margin", [0, -1, 17])
def test_length_refuses_a_margin_outside_the_limit(margin: int) -> None:
    with pytest.raises(ValueError, match=rf"rewards\.length\.margin must be between 1 and limit \(16\), got {margin}"):
        length(asking(), rollout(""), limit=16, margin=margin)
