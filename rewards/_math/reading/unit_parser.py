"""Tokens to a unit: `cm^2`, `km per hour`, `square feet`, `\\frac{\\text{m}}{\\text{s}}`, or the noun of what is counted.

Covered: products, quotients and powers, degrees of temperature, ordinals (`5th`), which are no unit at all. Not covered:
brackets within a unit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rewards._math.reading.lex import Token
from rewards._math.reading.units import Unit, lookup, noun

_SQUARES = {"square": 2, "sq": 2, "squared": 2, "cubic": 3, "cu": 3, "cubed": 3}
_ORDINAL = frozenset({"st", "nd", "rd", "th"})
_EXPONENT = re.compile(r"-?\d{1,2}")
_PER = frozenset({"/", "per", "每"})


def unit_of(tokens: Sequence[Token]) -> Unit | None:
    """The unit that a token list writes, to its end; None where it is none."""
    tokens = [t for t in tokens if t.value != "."]
    while len(tokens) > 1 and (tokens[0].value, tokens[-1].value) in (("(", ")"), ("{", "}"), ("[", "]")):
        tokens = tokens[1:-1]
    if tokens and tokens[0].value == "^":
        return Unit() if [t.value for t in tokens if t.value not in "^{}"][0:] in [[o] for o in _ORDINAL] else None
    if len(tokens) == 1 and tokens[0].value in _ORDINAL and not tokens[0].spaced:
        return Unit()
    total, at = Unit(), 0
    while at < len(tokens):
        sign = -1 if tokens[at].value in _PER else 1
        at += tokens[at].value in _PER or tokens[at].value in ("*", r"\cdot", r"\times", "-")
        unit, at = _factor(tokens, at) if at < len(tokens) else (None, at)
        if unit is None:
            return None
        total *= unit**sign
    return total


def _factor(tokens: Sequence[Token], at: int) -> tuple[Unit | None, int]:
    """One unit with its power, or all the words that are left as a counted noun."""
    power, start = 1, at
    if tokens[at].value == r"\frac":
        return _fraction(tokens[at + 1 :]), len(tokens)
    if at + 1 < len(tokens) and tokens[at].value.lower() in _SQUARES:
        power, at = _SQUARES[tokens[at].value.lower()], at + 1
    unit, at = _named(tokens, at)
    if unit is None:
        rest = tokens[start:]
        if not rest or any(
            t.kind != "word" or (len(t.value) < 3 and t.value.isascii() and not t.text and t.value not in ("of", "in")) for t in rest
        ):
            return None, at
        return noun(w.value for at, w in enumerate(rest) if not at or w.value not in _SQUARES), len(tokens)
    if at < len(tokens) and tokens[at].value in ("squared", "cubed"):
        power, at = _SQUARES[tokens[at].value], at + 1
    exponent, at = _exponent(tokens, at)
    return (unit ** (power * exponent), at) if at <= len(tokens) else (None, at)


def _fraction(tokens: Sequence[Token]) -> Unit | None:
    """`\\frac{\\text{m}}{\\text{s}}`"""
    middle = next((i for i in range(len(tokens) - 1) if tokens[i].value == "}" and tokens[i + 1].value == "{"), 0)
    top, bottom = unit_of(tokens[: middle + 1]), unit_of(tokens[middle + 1 :])
    return None if not middle or top is None or bottom is None else top * bottom**-1


def _named(tokens: Sequence[Token], at: int) -> tuple[Unit | None, int]:
    if at >= len(tokens):
        return None, at
    value = tokens[at].value
    if value == r"\degree":
        scale = tokens[at + 1].value if at + 1 < len(tokens) else ""
        kind = {"C": "degC", "F": "degF", "K": "K"}.get(scale)
        return (lookup(kind), at + 2) if kind else (lookup("deg"), at + 1)
    if value == r"\mu" and at + 1 < len(tokens):
        return lookup("μ" + tokens[at + 1].value), at + 2
    return lookup("Ω" if value == r"\Omega" else value), at + 1


def _exponent(tokens: Sequence[Token], at: int) -> tuple[int, int]:
    """`^2`, `^{-1}`, or a digit glued to the unit."""
    if at < len(tokens) and tokens[at].kind == "number" and not tokens[at].spaced and tokens[at].value in ("2", "3"):
        return int(tokens[at].value), at + 1
    if at >= len(tokens) or tokens[at].value != "^":
        return 1, at
    end = at + 1
    while end < len(tokens) and tokens[end].value in ("{", "-", "}", *"123456"):
        end += 1
        if tokens[end - 1].value == "}" or (tokens[end - 1].kind == "number" and tokens[at + 1].value != "{"):
            break
    digits = "".join(t.value for t in tokens[at + 1 : end] if t.value not in "{}")
    return (int(digits), end) if _EXPONENT.fullmatch(digits) else (1, len(tokens) + 1)
