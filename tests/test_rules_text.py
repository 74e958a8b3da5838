"""Rules on format, repetition and steps: exact values, what they say, and what they do not pay."""

from typing import Any

import pytest
from asked import asking, rollout, thinking

from r1lite.text.response import after_thought, reasoning
from rewards import Problem, Verdict
from rewards._options import OptionError
from rewards.format import format
from rewards.format_soft import format_soft
from rewards.length_cosine import length_cosine
from rewards.length_target import length_target
from rewards.reasoning_steps import reasoning_steps, steps
from rewards.repetition import repetition
from rewards.tag_count import tag_count

# what is reasoning, and what follows it


@pytest.mark.parametrize(
    ("text", "thought", "after"),
    [
        ("<think>a</think><answer>7</answer>", "a", "<answer>7</answer>"),
        ("<think>a</think>b<answer>7</answer>c", "a\nb\nc", "b<answer>7</answer>c"),
        ("<think>a</think><think>b</think><answer>7</answer>", "a\n\nb", "<answer>7</answer>"),
        ("<think>a</think>It is 7.", "a", "It is 7."),
        ("<think>a", "a", None),
        ("<think>a</think>b<think>c", "a\nb\nc", None),
        ("a</think>b", "a", "b"),
        ("no tags", "no tags", "no tags"),
        ("", "", ""),
    ],
)
def test_reasoning_is_all_but_the_answer(text: str, thought: str, after: str | None) -> None:
    assert reasoning(text) == thought
    assert after_thought(text) == after


# format, format_soft, tag_count


@pytest.mark.parametrize(
    "thought", ["", " \n", "...", "\u200b", "\u2060\ufeff", "-- **", "\u3164\u115f\uffa0", "\u2800", "\u02bc", "\u0640\u0640"]
)
def test_a_thought_without_a_letter_or_digit_is_empty(thought: str) -> None:
    empty = thinking(thought)
    assert format(asking(), empty) == Verdict(value=0.0, why="a block is empty, or there is text outside the blocks")
    assert format_soft(asking(), empty) == Verdict(value=0.0, why="a block is empty")
    assert tag_count(asking(), empty) == Verdict(value=0.75, why="not in place: </think>")


@pytest.mark.parametrize("answer", ["\u3164", "\u2800", "\u200b", "\u00ad", " "])
def test_an_answer_that_cannot_be_seen_is_empty(answer: str) -> None:
    for rule in (format, format_soft):
        assert rule(asking(), thinking("so", answer)).value == 0.0
    assert tag_count(asking(), thinking("so", answer)) == Verdict(value=0.75, why="not in place: </answer>")
    assert format(asking(), thinking("so", "∞")).value == 1.0


@pytest.mark.parametrize(
    ("text", "value", "why"),
    [
        ("<think>a</think><answer>7</answer>", 1.0, "one thought, then one answer"),
        ("Well, <think>a</think> so <answer>7</answer>.", 1.0, "one thought, then one answer"),
        ("<think>a</think><answer>∅</answer>", 1.0, "one thought, then one answer"),
        ("<think>a</think><answer>\u200b</answer>", 0.0, "a block is empty"),
        ("<think>a</think><answer>7</answer><answer>8</answer>", 0.0, "<answer> occurs 2 times"),
        ("<think>a</think>7", 0.0, "<answer> is missing"),
        ("<answer>7</answer><think>a</think>", 0.0, "the tags are out of order"),
        ("<think>a <answer>7</answer></think>", 0.0, "the tags are out of order"),
        ("", 0.0, "<think> is missing"),
    ],
)
def test_format_soft(text: str, value: float, why: str) -> None:
    assert format_soft(asking(), rollout(text)) == Verdict(value=value, why=why)


def test_format_soft_counts_a_prefilled_tag_and_tells_a_cut() -> None:
    assert format_soft(asking(), rollout("a</think><answer>7</answer>", prefill="<think>\n")).value == 1.0
    assert format_soft(asking(), rollout("<think>a", finish="length")) == Verdict(value=0.0, why="cut off at the token limit")


@pytest.mark.parametrize(
    ("text", "value", "why"),
    [
        ("<think>a</think><answer>7</answer>", 1.0, "all four tags in place"),
        ("x <think>a</think> y <answer>7</answer> z", 1.0, "all four tags in place"),
        ("<think>a</think>7", 0.5, "not in place: <answer>, </answer>"),
        ("<think>a", 0.25, "not in place: </think>, <answer>, </answer>"),
        ("<think></think><answer></answer>", 0.5, "not in place: </think>, </answer>"),
        ("<think><think>a</think><answer>7</answer>", 0.75, "not in place: <think>"),
        ("<answer>7</answer><think>a</think>", 0.5, "not in place: <answer>, </answer>"),
        ("<think></think><answer></answer>" * 4, 0.0, "not in place: <think>, </think>, <answer>, </answer>"),
        ("7", 0.0, "not in place: <think>, </think>, <answer>, </answer>"),
    ],
)
def test_tag_count(text: str, value: float, why: str) -> None:
    assert tag_count(asking(), rollout(text)) == Verdict(value=value, why=why)


# repetition


@pytest.mark.parametrize(
    ("text", "options", "value", "why"),
    [
        ("", {}, 0.0, "fewer than 4 words"),
        ("a b c", {}, 0.0, "fewer than 4 words"),
        ("a b c d e", {}, 0.0, "0 of 2 runs of 4 words are repeated"),
        ("a b c d a b c d", {}, -0.2, "1 of 5 runs of 4 words are repeated"),
        ("a b a b", {"n": 2}, -1 / 3, "1 of 3 runs of 2 words are repeated"),
        ("a a a a a", {"n": 1, "penalty": 0.5}, -0.4, "4 of 5 runs of 1 words are repeated"),
        ("a b c d a b c d", {"free": 0.2}, 0.0, "1 of 5 runs of 4 words are repeated"),
        ("a b a b", {"n": 2, "free": 0.2}, -1 / 6, "1 of 3 runs of 2 words are repeated"),
        ("好的好的", {"n": 2}, -1 / 3, "1 of 3 runs of 2 words are repeated"),
        ("So, well. SO... ｗｅｌｌ", {"n": 2}, -1 / 3, "1 of 3 runs of 2 words are repeated"),
        ("so well s\u200bo we\u00adll", {"n": 2}, -1 / 3, "1 of 3 runs of 2 words are repeated"),
    ],
)
def test_repetition(text: str, options: dict[str, Any], value: float, why: str) -> None:
    given = repetition(asking(), rollout(text), **options)
    assert given.value == pytest.approx(value)
    assert given.why == why


def test_repetition_of_a_loop_costs_nearly_everything() -> None:
    assert repetition(asking(), rollout("wait, let me check again. " * 200)).value == pytest.approx(-(997 - 5) / 997)


@pytest.mark.parametrize("loop", ["hahaha" * 99, "a" * 600, "." * 600, "\n" * 600, "!?" * 300, "\u200b" * 600, "- " * 300, "🙂" * 300])
def test_repetition_sees_a_loop_without_words_or_blanks(loop: str) -> None:
    assert repetition(asking(), rollout(f"We begin. {loop} We end.")).value < -0.8


def test_repetition_leaves_long_words_and_lines_alone() -> None:
    for honest in (
        "Donaudampfschifffahrtsgesellschaft " + "-" * 32,
        "3.14159265358979323846264338327950288419716939937510",
        "a\n\n    b" * 1,
    ):
        assert repetition(asking(), rollout(honest)).value == 0.0


# reasoning_steps

STEPS = "1. We multiply 3 by 5.\n2. Then nine is added.\n3. That makes 24 altogether."


@pytest.mark.parametrize(
    ("thought", "value", "why"),
    [
        (STEPS, 1.0, "3 steps, 3 are enough"),
        ("First, multiply 3 by 5. Then add nine to it. Finally, compare with 24.", 1.0, "3 steps, 3 are enough"),
        ("Step 1: multiply 3 by 5\n**Step 2:** add nine to it", 2 / 3, "2 steps, 3 are enough"),
        ("- multiply 3 by 5\n* add nine to it\n• compare with 24", 1.0, "3 steps, 3 are enough"),
        ("首先把三和五相乘。然后再加上九。最后得到二十四。", 1.0, "3 steps, 3 are enough"),
        ("第一步:三乘五。第二步:加上九。", 2 / 3, "2 steps, 3 are enough"),
        ("We multiply 3 by 5 and add nine.", 0.0, "0 steps, 3 are enough"),
        ("", 0.0, "0 steps, 3 are enough"),
        # not paid: marks alone, the same step again, a running number in it, the question in steps
        ("1.\n2.\n3.\n4.", 0.0, "0 steps, 3 are enough"),
        ("First, second, third. Next. Then. Finally.", 0.0, "0 steps, 3 are enough"),
        ("1. so we think hard\n2. so we think hard\n3. so we think hard", 1 / 3, "1 step, 3 are enough"),
        ("1. think about number 1\n2. think about number 2\n3. think about number 3", 1 / 3, "1 step, 3 are enough"),
        ("1. Reach 24 with 3, 5 and 9.\n2. Use each number once.", 0.0, "0 steps, 3 are enough"),
        ("It is 3.5 or 2.5 here", 0.0, "0 steps, 3 are enough"),
    ],
)
def test_reasoning_steps(thought: str, value: float, why: str) -> None:
    given = reasoning_steps(asking(prompt="Reach 24 with 3, 5 and 9. Use each number once."), thinking(thought))
    assert given == Verdict(value=value, why=why)


def test_steps_in_the_answer_are_not_reasoning() -> None:
    assert reasoning_steps(asking(), thinking("so", answer=STEPS)).value == 0.0
    assert reasoning_steps(asking(), thinking(STEPS), enough=6).value == 0.5
    assert steps(STEPS) == ["We multiply 3 by 5.", "nine is added.", "That makes 24 altogether."]


@pytest.mark.parametrize(
    ("rule", "options", "message"),
    [
        (length_cosine, {"right": True, "limit": 0}, "rewards.length_cosine.limit must be at least 1, got 0"),
        (length_target, {}, "rewards.length_target needs either target or column, got target=0 and column=''"),
        (length_target, {"target": 3, "column": "a"}, "needs either target or column"),
        (length_target, {"target": -1}, "rewards.length_target.target must be at least 0, got -1"),
        (repetition, {"n": 0}, "rewards.repetition.n must be at least 1, got 0"),
        (repetition, {"penalty": float("nan")}, "rewards.repetition.penalty must be at least 0, got nan"),
        (repetition, {"free": 1.0}, "rewards.repetition.free must be between 0 and 0.99, got 1.0"),
        (reasoning_steps, {"enough": 0}, "rewards.reasoning_steps.enough must be at least 1, got 0"),
    ],
)
def test_options_that_no_rollout_could_be_scored_with(rule: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        rule(Problem(id="", prompt=""), rollout(""), **options)
