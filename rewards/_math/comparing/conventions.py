"""What only the data can say, as options of the rule: commas as decimal signs, expected values that are rounded.

Covered: `3,14` and `1.234,5`; an exact value beside the decimal that it rounds to. Not covered: whole numbers that are
rounded (nothing says to which digit), lists without a space after the comma where commas are decimal signs.
"""

from __future__ import annotations

import re

from rewards._math.algebra.numeric import real
from rewards._math.algebra.tree import Unread, symbols
from rewards._math.reading.answer import read
from rewards._math.reading.structures import Value

_GROUP = re.compile(r"(?<=\d)\.(?=\d{3}(?!\d))")
_COMMA = re.compile(r"(?<=\d)\{?,\}?(?=\d)")
_DECIMAL = re.compile(r"[+-]?\d{0,15}\.(\d{1,12})")


def with_points(text: str) -> str:
    """`1.234,5` as `1234.5`."""
    return _COMMA.sub(".", _GROUP.sub("", text))


def rounds_to(expected: str, given: str) -> str:
    """Whether a given value, rounded to the digits of an expected decimal, is that decimal; both cleaned."""
    found = _DECIMAL.fullmatch(expected)
    if not found:
        return ""
    try:
        answer = read(given)[0]
        if not isinstance(answer, Value) or answer.readings[0].unit is not None or symbols(answer.tree):
            return ""
        distance = abs(real(answer.tree) - float(expected))
    except Unread:
        return ""
    places = len(found[1])
    return f"rounded to {places} places" if distance <= 0.5 * 10.0**-places * (1 + 1e-9) else ""
