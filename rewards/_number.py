"""Numbers as people write them, read exactly and never expensively."""

from __future__ import annotations

import re
from fractions import Fraction

MAX_CHARACTERS = 200  # of a number, however it is written

_DIGITS = r"\d{1,40}|\d{1,3}(?:,\d{3}){1,12}"
_NUMBER = re.compile(
    rf"(?P<sign>[+-]?)(?P<top>(?:{_DIGITS})(?:\.\d{{0,40}})?|\.\d{{1,40}})"
    r"(?:/(?P<bottom>\d{1,40})|(?:[eE]|×10\^)(?P<exponent>[+-]?\d{1,3}|\{[+-]?\d{1,3}\}))?",
    re.ASCII,
)
# Full-width signs and the minus signs of typesetting. No more than that: a superscript is no digit.
_USUAL = {0xFF01 + i: 0x21 + i for i in range(94)} | dict.fromkeys(map(ord, "−–﹣"), "-")
_TIMES = re.compile(r"\s*(?:×|\*|\\times|\\cdot)\s*")
_PLAIN = re.compile(rf"-?(?:0|[1-9]\d{{0,39}}|{_DIGITS.split('|')[1]})", re.ASCII)


def read_number(text: str) -> Fraction | None:
    """The value of a number that stands alone: 12, -3.5, 14/2, 1,000, 1.5e3, 2*10^6; None for all else."""
    found = _NUMBER.fullmatch(_clean(text))
    if found is None:
        return None
    top, bottom = found["top"].replace(",", ""), found["bottom"] or "1"
    if not int(bottom) or ("." in top and found["bottom"]):
        return None
    value = Fraction(top.removesuffix(".")) / int(bottom) * Fraction(10) ** int((found["exponent"] or "0").strip("{}"))
    return -value if found["sign"] == "-" else value


def plain_integer(text: str) -> bool:
    """Whether a whole number is written the one usual way: no plus, no leading zeros, no decimals, no fraction."""
    return bool(_PLAIN.fullmatch(_clean(text))) and _clean(text) != "-0"


def _clean(text: str) -> str:
    text = text.strip()
    if len(text) > MAX_CHARACTERS:  # looked at first: a page of blanks would cost the patterns its square
        return ""
    text = text.translate(_USUAL).strip()
    if len(text) > 2 and text[0] == text[-1] == "$":
        text = text[1:-1]
    return _TIMES.sub("×", text.strip())
