"""Decimals whose digits go on forever: `0.1\\overline{6}`, `0.\\dot{1}2\\dot{3}`, `0.1(6)`, `0.333...`.

Covered: bars, dots over the first and the last digit of the period, brackets, an ellipsis after a period that is written
often enough to be seen. Not covered: an ellipsis after anything else: `3.14...` is no number that is known.
"""

from __future__ import annotations

import re
from fractions import Fraction

from rewards._math.cursor import Cursor, decimal
from rewards._math.tree import Unread

MAX_PERIOD = 100
_SEEN = re.compile(r"\A(\d{0,30}?)(?:(\d)\2{2,40}|(\d{2,20}?)\3{1,20})(\d{0,20})")  # a digit three times, a longer period twice


def repeats(cursor: Cursor) -> bool:
    """Whether what follows a decimal says that digits repeat, and is no factor as in `0.5\\bar{x}`."""
    mark = cursor.peek()
    if mark == "(":
        return cursor.peek(1).isdigit() and cursor.peek(2) == ")" and not cursor.tokens[cursor.at].spaced
    inside = cursor.peek(2 if cursor.peek(1) == "{" else 1)
    return mark == "..." or (mark in (r"\overline", r"\bar", r"\dot") and inside.isdigit())


def repeating(cursor: Cursor, head: str) -> Fraction:
    """The value of a decimal that starts with `head` and repeats what follows."""
    if cursor.peek() == "...":
        cursor.take()
        head, digits = _seen(head)
    elif cursor.peek() == "(":
        cursor.take()
        digits = cursor.take().value
        cursor.take(")")
    elif cursor.peek() == r"\dot":
        digits = _dotted(cursor)
    else:
        cursor.take()
        digits = cursor.raw_group()
    if not (digits.isdigit() and digits.isascii()) or len(digits) > MAX_PERIOD:
        raise Unread("something else than digits repeats")
    shift = 10 ** len(head.partition(".")[2])
    return decimal(head) + Fraction(int(digits), (10 ** len(digits) - 1) * shift)


def _dotted(cursor: Cursor) -> str:
    """The digits from the first dot to the last, or the one digit below the only dot."""
    cursor.take()
    digits = cursor.raw_group()
    between = cursor.take().value if cursor.kind() == "number" and cursor.peek(1) == r"\dot" else ""
    if cursor.peek() == r"\dot":
        cursor.take()
        digits += between + cursor.raw_group()
    return digits


def _seen(head: str) -> tuple[str, str]:
    """A decimal without its period, and the period."""
    whole, _, digits = head.partition(".")
    found = _SEEN.fullmatch(digits)
    period = found and (found[2] or found[3])
    if not found or not period or not period.startswith(found[4]):
        raise Unread("an ellipsis after no period")
    return f"{whole}.{found[1]}", period
