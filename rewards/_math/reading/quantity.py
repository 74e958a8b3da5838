"""Tokens to an expression with its unit.

Covered: units and counted nouns after a number, money before it, percent and degrees, `5 ft 6 in`, ordinals. A plain
letter may be a unit or a variable (`5 m`): then both readings are kept, and either may match. Not covered: units in
the middle of an expression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from rewards._math.algebra.tree import Num, Tree, Unread
from rewards._math.reading.cursor import CONSTANT
from rewards._math.reading.functions import FUNCTIONS
from rewards._math.reading.lex import CLOSES, OPENS, Token
from rewards._math.reading.parse import parse
from rewards._math.reading.spoken import angle, in_signs
from rewards._math.reading.unit_parser import unit_of
from rewards._math.reading.units import MONEY, Unit, lookup


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
