"""The parts of a response that rules read, and short forms of text for `why`."""

from __future__ import annotations

import unicodedata

from r1lite.text.response import after_thought, answer_span, find_span, last_answer, reasoning
from rewards import Rollout, Span
from rewards._options import one_of

MAX_SHOWN = 80  # characters of a text in `why`

# Values of the option `within`: the last answer block, everything after the thought, or the reasoning.
PLACES = ("answer", "response", "thought")

# Letters in Unicode, but invisible: the fillers of Hangul and Khmer, the empty Braille cell.
BLANK = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


def read(rule: str, rollout: Rollout, within: str) -> str | None:
    """The part of the response that the option `within` selects; None if it is missing."""
    one_of(rule, "within", within, PLACES)
    if within == "answer":
        return last_answer(rollout.response)
    return reasoning(rollout.response) if within == "thought" else after_thought(rollout.response)


def evidence(response: str, *, within: str = "answer", **_: object) -> tuple[Span, ...]:
    """The span of the part that the option `within` selects."""
    if within == "answer":
        return answer_span(response)
    part = reasoning(response) if within == "thought" else after_thought(response)
    return find_span(response, part or "")


def says_something(text: str) -> bool:
    """Whether the text has a letter or digit that stands for something by itself.

    White space, dots and invisible characters do not, nor do modifier letters (category Lm), such as the apostrophe of Hawaiian
    and the stroke that lengthens Arabic words.
    """
    return any(c.isalnum() and c not in BLANK and unicodedata.category(c) != "Lm" for c in text)


def short(text: str) -> str:
    """A text as it appears in `why`."""
    return repr(text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}...")
