"""Whether a response ends with the right answer, in whatever form. Beside the rules' verdict it tells tags from answers.

Covered: an answer block, a box, a number or a short text at the end. Not covered: answers that are no short text, such as JSON or
programs, and equal answers in another notation.
"""

from __future__ import annotations

import re
from fractions import Fraction

from r1lite.text.response import last_answer

LONGEST_ANSWER = 60  # characters
TAIL = 400  # characters of a response that are read
NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?(?:/\d+)?")
TAG = re.compile(r"</?\w+>")


def is_comparable(answer: str | None) -> bool:
    return answer is not None and 0 < len(answer.strip()) <= LONGEST_ANSWER


def ends_with(tail: str, answer: str) -> bool:
    """Whether the end of a response states this answer, with tags or without."""
    wanted = answer.strip()
    block = last_answer(tail)
    if block is not None and _same(block, wanted):
        return True
    rest = TAG.sub(" ", tail)
    number = _number(wanted)
    if number is not None:
        numbers = NUMBER.findall(rest)
        return bool(numbers) and _number(numbers[-1]) == number
    return _plain(rest).endswith(_plain(wanted))


def _same(a: str, b: str) -> bool:
    return _plain(a) == _plain(b) or (_number(a) is not None and _number(a) == _number(b))


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s]", " ", text.casefold()).split())


def _number(text: str) -> Fraction | None:
    try:
        return Fraction(text.strip().replace(",", ""))
    except (ValueError, ZeroDivisionError):
        return None
