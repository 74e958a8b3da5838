"""The elements of a set that is described: `{x : x^2 = 4}`, `{x in Z : -1 <= x < 3}`.

Covered: whole numbers in a bounded region, equations of degree one and two with rational coefficients. Not covered: anything
that has to be solved otherwise; such a set only equals its like.
"""

from __future__ import annotations

import math
from fractions import Fraction

from rewards._math.algebra.equal import difference
from rewards._math.algebra.polynomial import constant, quotient
from rewards._math.algebra.tree import MINUS_ONE, Num, Op, Tree, Unread, number, times
from rewards._math.comparing import region
from rewards._math.reading.builders import LOWEST
from rewards._math.reading.quantity import Reading
from rewards._math.reading.structures import Answer, Builder, Group, Relation, Value

MAX_ELEMENTS = 60


def elements(answer: Builder) -> Answer | None:
    """The elements of a described set; None where they are not found here."""
    try:
        found = _integers(answer) if answer.domain in LOWEST else None
        if found is None:
            found = [root for root in _roots(answer) if _belongs(root, answer.domain)]
    except Unread:
        return None
    return Group("{", "}", tuple(Value((Reading(tree),)) for tree in found))


def _integers(answer: Builder) -> list[Tree] | None:
    if isinstance(answer.condition, Relation) and set(answer.condition.ops) <= {"="}:
        return None
    name, cuts = region.region(answer.condition)
    if name != answer.variable:
        raise Unread("the condition is on another variable")
    lowest = LOWEST[answer.domain]
    found: list[Tree] = []
    for low, high in zip(cuts[::2], cuts[1::2], strict=True):
        start = low.at if lowest is None else max(low.at, lowest)
        if not math.isfinite(start) or not math.isfinite(high.at) or high.at - start > MAX_ELEMENTS:
            raise Unread("too many elements")
        whole = range(math.ceil(start), math.floor(high.at) + 1)
        found += [number(n) for n in whole if (n, False) >= low[:2] and (n, True) <= high[:2]]
    return found


def _belongs(root: Tree, domain: str) -> bool:
    if domain not in LOWEST:
        return True
    lowest = LOWEST[domain]
    return isinstance(root, Num) and root.value.denominator == 1 and (lowest is None or root.value >= lowest)


def _roots(answer: Builder) -> list[Tree]:
    """The real roots of an equation of degree one or two in the variable."""
    sides = [s.tree for s in answer.condition.sides if isinstance(s, Value)] if isinstance(answer.condition, Relation) else []
    if len(sides) != 2:
        raise Unread("no equation in one variable")
    form = quotient(difference(sides[0], sides[1]))
    if set(form.bottom) != {()}:
        raise Unread("a fraction")
    powers: dict[Fraction, Fraction] = {}
    for mono, value in form.top.items():
        if any(name != answer.variable for name, _ in mono):
            raise Unread("other variables")
        powers[mono[0][1] if mono else Fraction(0)] = value
    if not set(powers) - {0} or not set(powers) <= {0, 1, 2}:
        raise Unread("no equation of degree one or two")
    a, b, c = (powers.get(Fraction(n), Fraction(0)) for n in (2, 1, 0))
    if not a:
        return [Num(-c / b)]
    discriminant = b * b - 4 * a * c
    if discriminant < 0:
        return []
    root = Op("root", (Num(discriminant / (4 * a * a)), number(2)))
    middle, value = Num(-b / (2 * a)), constant(quotient(root))
    if value is not None:
        return [Num(middle.value + value), Num(middle.value - value)] if value else [middle]
    return [Op("+", (middle, root)), Op("+", (middle, times(MINUS_ONE, root)))]
