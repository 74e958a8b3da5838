"""What rules read in a response: its reasoning, its answer, its words."""

from __future__ import annotations

from r1lite.text.response import after_thought, last_answer, reasoning
from rewards import Rollout
from rewards._options import one_of

SHOWN = 80  # characters of a text in `why`

# Where a rule looks: the last answer block, everything after the thought, or the reasoning.
PLACES = ("answer", "response", "thought")

# Letters to Unicode, and nothing to the eye: the fillers of Hangul and Khmer, the empty Braille cell.
BLANK = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


def read(rule: str, rollout: Rollout, within: str) -> str | None:
    """The part of the response that a rule is told to look at; None where it is not there."""
    one_of(rule, "within", within, PLACES)
    if within == "answer":
        return last_answer(rollout.response)
    return reasoning(rollout.response) if within == "thought" else after_thought(rollout.response)


def says_something(text: str) -> bool:
    """Whether there is a letter or a digit in it: neither white space nor invisible characters nor dots are a thought."""
    return any(c.isalnum() and c not in BLANK for c in text)


def short(text: str) -> str:
    """A text as it stands in `why`."""
    return repr(text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}...")
