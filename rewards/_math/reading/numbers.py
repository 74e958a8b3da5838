"""Numbers in digits: decimals, mixed numbers (`3\\frac{1}{2}`, `3 1/2`), decimals that repeat (`0.1\\overline{6}`, `0.333...`).

Covered: bars, dots over the first and the last digit of the period, brackets, an ellipsis after a period that is written
often enough to be seen. Not covered: an ellipsis after anything else: `3.14...` is no number that is known.
"""

from __future__ import annotations

import re
from fractions import Fraction

from rewards._math.algebra.tree import Num, Tree, Unread
from rewards._math.reading.cursor import Cursor, decimal

MAX_PERIOD = 100
_SEEN = re.compile(r"\A(\d{0,30}?)(?:(\d)\2{2,40}|(\d{2,20}?)\3{1,20})(\d{0,20})")  # a digit three times, a longer period twice


def in_digits(cursor: Cursor, written: str) -> Tree:
    """The value of a decimal that was just taken, with what belongs to it: a period that repeats, the fraction of a mixed number."""
    if "." in written and _repeats(cursor):
        return Num(_repeating(cursor, written))
    value = decimal(written)
    return Num(value + _proper_part(cursor) if value.denominator == 1 and "." not in written else value)


def _proper_part(cursor: Cursor) -> Fraction:
    """The fraction of a mixed number where one stands here; else 0, and nothing is taken."""
    start = cursor.at
    if cursor.peek() == r"\frac":
        cursor.take()
        top, bottom = _argument(cursor), _argument(cursor)
    elif cursor.kind() == "number" and cursor.peek(1) == "/" and cursor.kind(2) == "number":
        top, bottom = decimal(cursor.peek()), decimal(cursor.peek(2))
        cursor.at += 3
    else:
        return Fraction(0)
    if top is not None and bottom is not None and 0 < top < bottom and top.denominator == 1:
        return top / bottom
    cursor.at = start
    return Fraction(0)


def _argument(cursor: Cursor) -> Fraction | None:
    """One number in braces, or one digit."""
    if cursor.peek() == "{" and cursor.kind(1) == "number" and cursor.peek(2) == "}":
        cursor.at += 3
        return decimal(cursor.tokens[cursor.at - 2].value)
    cursor.split_digits()
    return decimal(cursor.take().value) if cursor.kind() == "number" else None


def _repeats(cursor: Cursor) -> bool:
    """Whether what follows a decimal says that digits repeat, and is no factor as in `0.5\\bar{x}`."""
    mark = cursor.peek()
    if mark == "(":
        return cursor.peek(1).isdigit() and cursor.peek(2) == ")" and not cursor.tokens[cursor.at].spaced
    inside = cursor.peek(2 if cursor.peek(1) == "{" else 1)
    return mark == "..." or (mark in (r"\overline", r"\bar", r"\dot") and inside.isdigit())


def _repeating(cursor: Cursor, head: str) -> Fraction:
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
