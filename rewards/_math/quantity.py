"""Tokens to an expression with its unit.

Covered: units and counted nouns after a number, money before it, percent and degrees, `5 ft 6 in`, ordinals. A plain
letter may be a unit or a variable (`5 m`): then both readings are kept, and either may match. Not covered: units in
the middle of an expression.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from rewards._math.cursor import CONSTANT, FUNCTIONS
from rewards._math.lex import CLOSES, OPENS, Token
from rewards._math.parse import parse
from rewards._math.spoken import angle, in_signs
from rewards._math.tree import Num, Tree, Unread
from rewards._math.units import MONEY, Unit, lookup, noun

_SQUARES = {"square": 2, "sq": 2, "squared": 2, "cubic": 3, "cu": 3, "cubed": 3}
_ORDINAL = frozenset({"st", "nd", "rd", "th"})
_EXPONENT = re.compile(r"-?\d{1,2}")
_PER = frozenset({"/", "per", "每"})


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a quantity. `loose` marks a unit that may as well be variables: it only matches another unit."""

    tree: Tree
    unit: Unit | None = None
    loose: bool = False


def readings(tokens: Sequence[Token]) -> tuple[Reading, ...]:
    """Every way to read a token list as an expression with or without a unit; Unread where there is none."""
    tokens, money = _money(in_signs(tokens))
    if (degrees := angle(tokens)) is not None:
        return (Reading(Num(degrees), lookup("deg")),)
    found: list[Reading] = []
    reason = Unread("nothing to read")
    try:
        found.append(Reading(parse(tokens), money))
    except Unread as error:
        reason = error
    measured = _with_unit(tokens, money)
    if measured and _surely_measured(tokens):
        return tuple(measured)
    found += measured
    if not found:
        found += compound(tokens)
    if not found:
        raise reason
    return tuple(found)


def _money(tokens: Sequence[Token]) -> tuple[Sequence[Token], Unit | None]:
    """A currency sign in front, or between sign and number, taken out."""
    for at in (0, 1):
        if len(tokens) > at + 1 and tokens[at].value in MONEY and (not at or tokens[0].value in ("-", "+")):
            return [*tokens[:at], *tokens[at + 1 :]], lookup(tokens[at].value)
    return tokens, None


def _with_unit(tokens: Sequence[Token], money: Unit | None) -> list[Reading]:
    depth = 0
    for at, token in enumerate(tokens):
        if at and not depth and _may_start(token):
            unit = unit_of(tokens[at:])
            tree = _tree(tokens[:at]) if unit is not None else None
            if unit is not None and tree is not None:
                return [Reading(tree, unit * money if money else unit, _loose(tokens, at))]
        depth += (token.value in OPENS) - (token.value in CLOSES)
    return []


def _surely_measured(tokens: Sequence[Token]) -> bool:
    """Whether the first word behind a number can only be a unit: in `\\text{}`, or several letters that stand alone (`5 mm`)."""
    at = next((i for i, t in enumerate(tokens) if t.kind == "word" and i and tokens[i - 1].kind == "number"), 0)
    return at > 0 and (tokens[at].text or (tokens[at].spaced and len(tokens[at].value) > 1))


def _tree(tokens: Sequence[Token]) -> Tree | None:
    try:
        return parse(tokens)
    except Unread:
        return None


def _may_start(token: Token) -> bool:
    if token.kind == "word":
        return token.value not in FUNCTIONS | CONSTANT.keys()
    return token.value in MONEY or token.value in ("%", r"\degree", r"\Omega", r"\mu", r"\frac", "^", "(")


def _loose(tokens: Sequence[Token], at: int) -> bool:
    """Whether the unit is a letter glued to the number, as in `5m`, or stands after variables."""
    token = tokens[at]
    if token.kind != "word" or token.text or not token.value.isascii() or len(token.value) > 1:
        return False
    return not token.spaced or any(t.kind == "word" for t in tokens[:at]) or tokens[at - 1].kind != "number"


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


def compound(tokens: Sequence[Token]) -> tuple[Reading, ...]:
    """`5 ft 6 in` as one quantity in the first unit; empty where the units do not become smaller."""
    starts = [i for i, t in enumerate(tokens) if t.kind == "number" and (not i or tokens[i - 1].kind == "word")]
    if len(starts) not in (2, 3) or starts[0]:
        return ()
    parts = [p[0] for a, b in zip(starts, [*starts[1:], len(tokens)], strict=True) if (p := _with_unit(tokens[a:b], None))]
    sizes = [p.unit.size * p.unit.scale for p in parts if p.unit and p.unit.dims and p.unit.dims == (parts[0].unit or Unit()).dims]
    if len(sizes) < len(starts) or sizes != sorted(set(sizes), reverse=True):
        return ()
    values = [p.tree.value for p in parts if isinstance(p.tree, Num)]
    if len(values) < len(parts):
        return ()
    total = sum((v * size / sizes[0] for v, size in zip(values, sizes, strict=True)), Fraction(0))
    return (Reading(Num(total), parts[0].unit),)
