"""A response that takes its answer back is not paid for it, and an honest one that only sounds like that is."""

import pytest
from battery_retractions import samples
from test_math import paid, score

from rewards._math.finding.languages.language import Language
from rewards._math.finding.outline import bare, outline, values

SAMPLES = list(samples())


def share(*, honest: bool) -> dict[str, float]:
    """The share of responses that are judged as they should be, by language."""
    shares = {}
    for language in ("en", "zh", "de", "fr"):
        judged = [paid(s.gold, s.response) == float(s.honest) for s in SAMPLES if s.honest == honest and s.language == language]
        shares[language] = sum(judged) / len(judged)
    return shares


def test_what_is_taken_back_is_not_paid():
    assert min(share(honest=False).values()) >= 0.94


def test_honest_sentences_are_paid():
    assert min(share(honest=True).values()) >= 0.99


def test_an_explanation_after_the_answer_is_no_correction():
    explained = [s for s in SAMPLES if s.family == "explanation after the answer"]
    assert len(explained) > 10
    assert all(paid(s.gold, s.response) for s in explained)


def test_the_families_are_broad():
    for language, families in (("en", 24), ("zh", 16), ("de", 12), ("fr", 12)):
        assert len({(s.family, s.honest) for s in SAMPLES if s.language == language}) >= families
    assert len(SAMPLES) > 2000


@pytest.mark.parametrize(
    ("response", "gold", "right"),
    [
        ("The answer is 5. No wait, it's 8.", "8", True),
        (r"\boxed{5}. Correction: 8.", "8", True),
        ("答案是5。等等，应该是8。", "8", True),
        (r"\boxed{5}. I made a mistake. The answer is 8.", "8", True),
        (r"\boxed{5}. I made a mistake. The answer is 8.", "5", False),
        (r"\boxed{5}. Let me recompute. Yes, the same.", "5", True),
        (r"\boxed{5}. Let me recompute: 8.", "5", False),
        ("The answer is 5, which is wrong.", "5", False),
        ("The answer is 5, which is what we wanted.", "5", True),
        (r"\boxed{5}. 5 is wrong.", "5", False),
        (r"\boxed{5}. 15 is wrong.", "5", True),
        ("The answer is Tuesday. Actually, it's Wednesday.", "Tuesday", False),
        ("The answer is Tuesday. Actually, this is easy to check.", "Tuesday", True),
        ("<answer>5</answer> Scratch that, 8.", "5", False),
        (r"<answer>\boxed{5}. This is wrong.</answer>", "5", False),
        ("So x = 5.\nI made a mistake.", "5", False),
        (r"\boxed{5}. No, -5.", "-5", True),
        (r"\boxed{5}. Wait, I get 8. No, adding the rest, it is 5.", "5", True),
        (r"\boxed{5}. Wait, so $AB = 8$, and the sum is 13.", "5", False),
        (r"\boxed{5}. Thus $AB = 8$.", "5", True),
        (r"\boxed{5}. If we had 9 of them, the answer would be 8.", "5", True),
        (r"\boxed{5}. We check our answer: 5 + 3 = 8.", "5", True),
        (r"\boxed{5}. Is 8 possible? Then it fails.", "5", True),
        (r"\boxed{5}. It is 8 instead.", "5", False),
        (r"\boxed{5}. Actually, no.", "5", False),
        (r"\boxed{5}. Wrong! We forgot that rotations count as the same.", "5", False),
        (r"\boxed{5}. Actually, it is 8. Is it not? No.", "8", True),
        (r"\boxed{-\frac{1}{2}} rather than $\frac{1}{2}$.", r"-\frac{1}{2}", True),
        (r"\boxed{0 = 3x + y}. Note that $u = 0$ is not possible.", "3x + y = 0", True),
    ],
)
def test_the_last_word_counts(response: str, gold: str, right: bool):
    assert paid(gold, response) == float(right)


def test_the_verdict_names_what_took_the_answer_back():
    verdict = score("5", r"\boxed{5}. Hmm, that is not correct.")
    assert verdict is not None
    assert verdict.why == "extracted '5' from box, expected '5': taken back by 'Hmm, that is not correct'"
    verdict = score("8", r"\boxed{5}. Wait, no. It's 8.")
    assert verdict is not None
    assert verdict.why == "extracted '8' from correction, expected '8': the same text"


@pytest.mark.parametrize(
    ("sentence", "symbols"),
    [
        ("That's wrong, it is 8", "tef,ten"),
        ("I don't think $5$ can be right: 2 + 3 = 8", "i.x.c.er:n=n"),
        ("这个答案不对，应该是8", "taf,hn"),
        ("Das stimmt nicht", "trx"),
        ("J'ai oublié 5", "ilsc"),
        ("No, there is no solution", "j,.ez"),
    ],
)
def test_a_sentence_is_outlined_in_symbols(sentence: str, symbols: str):
    assert outline(sentence, values("5")).symbols == symbols


def test_words_are_values_where_the_answer_is_a_word():
    assert outline("No, it is Wednesday, not Tuesday", values("Tuesday")).symbols == "j,ten,xc"
    assert outline("No, Alice is right", values("5")).symbols == "j,.er"


def test_values_are_compared_as_numbers():
    assert values("x = 5, y = -7.50") == {"5", "-15/2"}
    assert bare("$6 \\cdot 7$") != bare("42")
    assert bare("6·7") == bare("x=42.0") == bare("+42") == "42"
    assert bare("1/0") == "1/0"
    assert bare("$S = 7·6 = 42$") == "42"
    assert bare("x^2 - y = 0") == "x^2-y=0"


def test_the_longest_entry_of_a_language_counts_and_no_entry_stands_in_two_lists():
    language = Language(turn="no, wait", nothing="no solution", fault="mis*")
    assert list(language.read("no solution wait misread".split())) == [("z", 2), ("w", 1), ("f", 1)]
    with pytest.raises(ValueError, match="'wait' is in two lists"):
        Language(turn="wait", fault="wait")
