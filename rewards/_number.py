"""Numbers in their usual notations, read exactly and at a bounded cost."""

from __future__ import annotations

import re
from fractions import Fraction

MAX_CHARACTERS = 200  # of one number

_DIGITS = r"\d{1,40}|\d{1,3}(?:,\d{3}){1,12}"
_NUMBER = re.compile(
    rf"(?P<sign>[+-]?)(?P<top>(?:{_DIGITS})(?:\.\d{{0,40}})?|\.\d{{1,40}})"
    r"(?:/(?P<bottom>\d{1,40})|(?:[eE]|×10\^)(?P<exponent>[+-]?\d{1,3}|\{[+-]?\d{1,3}\}))?",
    re.ASCII,
)
# Full-width characters and typeset minus signs only: a superscript is not a digit.
_USUAL = {0xFF01 + i: 0x21 + i for i in range(94)} | dict.fromkeys(map(ord, "−–﹣"), "-")
_TIMES = re.compile(r"\s{0,9}(?:×|\*|\\times|\\cdot)\s{0,9}")
_PLAIN = re.compile(rf"-?(?:0|[1-9]\d{{0,39}}|{_DIGITS.split('|')[1]})", re.ASCII)


def read_number(text: str) -> Fraction | None:
    """The value of a text that is one number: 12, -3.5, 14/2, 1,000, 1.5e3, 2*10^6; else None."""
    match = _NUMBER.fullmatch(_clean(text))
    if match is None:
        return None
    top, bottom = match["top"].replace(",", ""), match["bottom"] or "1"
    if not int(bottom) or ("." in top and match["bottom"]):
        return None
    value = Fraction(top.removesuffix(".")) / int(bottom) * Fraction(10) ** int((match["exponent"] or "0").strip("{}"))
    return -value if match["sign"] == "-" else value


def plain_integer(text: str) -> bool:
    """Whether a whole number is written without plus, leading zeros, decimals or fraction."""
    return bool(_PLAIN.fullmatch(_clean(text))) and _clean(text) != "-0"


def _clean(text: str) -> str:
    text = text.strip()
    if len(text) > MAX_CHARACTERS:  # checked first: the patterns need quadratic time on a page of blanks
        return ""
    text = text.translate(_USUAL).strip()
    if len(text) > 2 and text[0] == text[-1] == "$":
        text = text[1:-1]
    return _TIMES.sub("×", text.strip())
