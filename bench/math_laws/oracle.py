"""Whether two meanings are equal, by numbers alone: expressions at random points, sets of numbers at and around their ends.

Covered: values to 30 digits, letters at positive and negative points, equations up to a constant factor. Undecided, and
so no case: what agrees at some points only (`sqrt(x^2)` and `x`), or nearly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import sympy
from mpmath import mp
from sympy import Basic

from bench.math_laws.evaluation import HALF, POINTS, Point, value
from bench.math_laws.meanings import UNITS, Based, Equation, Expr, Grid, Meaning, Quantity, Region, Several, Word

SAME, APART = mp.mpf("1e-20"), mp.mpf("1e-12")  # relative distances; what lies between is undecided


def equal(a: Meaning, b: Meaning) -> bool | None:
    """True, False, or None where numbers cannot tell."""
    match a, b:
        case Several(), Several():
            return _members(a, b)
        case Region(), Region():
            probes = list(_probes([a, b]))
            return _inside(a, probes) == _inside(b, probes)
        case Grid(), Grid():
            return _entries(a, b)
        case Equation(), Equation():
            return _same_curve(a, b)
        case Quantity(), Quantity():
            return UNITS[a.unit][1] == UNITS[b.unit][1] and equal(in_base(a), in_base(b))
        case Quantity(unit="%"), Basic():
            return equal(in_base(a), b)
        case Based(), Based():
            return a.value == b.value and (a.base == b.base or None)  # whether the base is asked for, the gold answer does not say
        case Word(), Word():
            return a.text.casefold() == b.text.casefold()
        case Basic(), Basic():
            return _same_expression(a, b)
    return None


def every(verdicts: Iterable[bool | None]) -> bool | None:
    """False if one is, else None if one is, else True."""
    found = list(verdicts)
    return False if False in found else None if None in found else True


def some(verdicts: Iterable[bool | None]) -> bool | None:
    """True if one is, else None if one is, else False."""
    found = list(verdicts)
    return True if True in found else None if None in found else False


def in_base(quantity: Quantity) -> Expr:
    size = UNITS[quantity.unit][0]
    return quantity.value * sympy.Rational(size.numerator, size.denominator)


def _close(x: Expr, y: Expr) -> bool | None:
    distance = abs(x - y) / max(abs(x), abs(y), mp.mpf(1e-9))
    return True if distance < SAME else False if distance > APART else None


def _same_expression(a: Expr, b: Expr) -> bool | None:
    if a.is_Rational and b.is_Rational:
        return bool(a == b)
    positive, either_sign = ([_at(a, b, p) for p in half] for half in (POINTS[:HALF], POINTS[HALF:]))
    if "unknown" in positive:
        return None
    if all(positive) and all(either_sign):
        return True
    return False if positive.count(False) > 1 else None


def _at(a: Expr, b: Expr, point: Point) -> bool | str | None:
    """Whether two expressions agree at a point; `unknown` where one of them has no value."""
    try:
        return _close(value(a, point), value(b, point))
    except (ZeroDivisionError, ValueError):
        return "unknown"


def _members(a: Several, b: Several) -> bool | None:
    if a.form != b.form:
        return None
    if a.form not in ("set", "list") and len(a.items) != len(b.items):
        return False
    if a.form == "ratio":
        return every(equal(x * b.items[0], y * a.items[0]) for x, y in zip(a.items, b.items, strict=True))
    if a.form in ("tuple", "vector"):
        return every(equal(x, y) for x, y in zip(a.items, b.items, strict=True))
    same = every(some(equal(x, y) for y in others) for items, others in ((a.items, b.items), (b.items, a.items)) for x in items)
    repeated = a.form == "list" and len(a.items) != len(b.items)  # `1, 1, 2` is a list like `1, 2` to some
    return None if same and repeated else same


def _entries(a: Grid, b: Grid) -> bool | None:
    if [len(row) for row in a.rows] != [len(row) for row in b.rows]:
        return False
    return every(equal(x, y) for r, s in zip(a.rows, b.rows, strict=True) for x, y in zip(r, s, strict=True))


def _probes(regions: Sequence[Region]) -> Iterator[Expr]:
    """Every end, the middle between neighbours, and both sides beyond."""
    ends = sorted({value(end, {}) for r in regions for s in r.spans for end in (s.low, s.high) if end.is_finite}) or [mp.mpf(0)]
    yield from ends
    yield from ((x + y) / 2 for x, y in pairwise(ends))
    yield from (ends[0] - 1, ends[-1] + 1)


def _inside(region: Region, probes: Sequence[Expr]) -> list[bool]:
    return [any(_holds(x, s.low, s.closed_low, 1) and _holds(x, s.high, s.closed_high, -1) for s in region.spans) for x in probes]


def _holds(x: Expr, end: Expr, closed: bool, side: int) -> bool:
    if not end.is_finite:
        return True
    distance = (x - value(end, {})) * side
    return distance > 0 or (closed and distance == 0)


def _same_curve(a: Equation, b: Equation) -> bool | None:
    """One is the other times a constant."""
    try:
        ratios = [value(a.left - a.right, p) / value(b.left - b.right, p) for p in POINTS]
    except (ZeroDivisionError, ValueError):
        return None
    found = [_close(r, ratios[0]) for r in ratios[1:]]
    return True if all(found) and ratios[0] else False if found.count(False) > 1 else None
