"""A response that takes its answer back is not paid for it, and an honest one that only sounds like that is."""

import pytest
from battery_retractions import samples
from test_math import paid, score

SAMPLES = list(samples())


def share(*, honest: bool) -> dict[str, float]:
    """The share of responses that are judged as they should be, by language."""
    shares = {}
    for language in ("en", "zh", "de", "fr"):
        judged = [paid(s.gold, s.response) == float(s.honest) for s in SAMPLES if s.honest == honest and s.language == language]
        shares[language] = sum(judged) / len(judged)
    return shares


def test_what_is_taken_back_is_not_paid():
    assert min(share(honest=False).values()) >= 0.97


def test_honest_sentences_are_paid():
    assert min(share(honest=True).values()) >= 0.97


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
    ],
)
def test_the_last_word_counts(response: str, gold: str, right: bool):
    assert paid(gold, response) == float(right)


def test_the_verdict_names_what_took_the_answer_back():
    verdict = score("5", r"\boxed{5}. Hmm, that is not correct.")
    assert verdict is not None
    assert verdict.why == "extracted '5' from box, expected '5': taken back by 'that is not correct'"
    verdict = score("8", r"\boxed{5}. Wait, no. It's 8.")
    assert verdict is not None
    assert verdict.why == "extracted '8' from correction, expected '8': the same text"
