"""Sets that are described: `{x : x^2 = 4}`, `{x in Z : -1 <= x < 3}`.

Covered: inequalities over the real numbers, whole numbers in a bounded region, equations of degree one and two with
rational coefficients. Not covered: anything that has to be solved otherwise; such a set only equals its like.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

from rewards._math import region
from rewards._math.equal import difference
from rewards._math.families import listed
from rewards._math.lex import Token
from rewards._math.polynomial import constant, quotient
from rewards._math.quantity import Reading
from rewards._math.structures import Answer, Builder, Group, Relation, Value
from rewards._math.tree import MINUS_ONE, Num, Op, Tree, Unread, number, times

MAX_ELEMENTS = 60
_LOWEST = {"Z": None, "N": 0, "Z+": 1, "N+": 1, "N*": 1}


def builder(inside: Sequence[Token], structure: Callable[[Sequence[Token]], Answer]) -> Answer | None:
    """The set that the tokens between braces describe; None where they list its elements."""
    bar = next((i for i, t in enumerate(inside) if t.value in ("|", ":")), 0)
    if not bar or bar == len(inside) - 1:
        return None
    values = [t.value for t in inside[:bar]]
    at = values.index(r"\in") if r"\in" in values else bar
    variable, domain = "".join(values[:at]), _domain(values[at + 1 :])
    if any(v in (",", ";") for v in values[:at]) and values[0] != "(":
        return None
    condition = structure(inside[bar + 1 :])
    if isinstance(condition, Group) and (family := listed(condition.items)):
        return family
    if at == bar > 1 and values[0] != "(":
        return listed([structure(inside[:bar]), condition])
    equation = isinstance(condition, Relation) and set(condition.ops) <= {"="}
    if domain not in _LOWEST and (not equation or len(values[:at]) > 1):
        return condition
    return Builder(variable, domain, condition)


def _domain(values: Sequence[str]) -> str:
    """`Z+` for `\\mathbb{Z}^{+}`."""
    return "".join(v for v in values if v not in ("{", "}", "^", "_", r"\mathbb"))


def elements(answer: Builder) -> Answer | None:
    """The elements of a described set; None where they are not found here."""
    try:
        found = _integers(answer) if answer.domain in _LOWEST else None
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
    lowest = _LOWEST[answer.domain]
    found: list[Tree] = []
    for low, high in zip(cuts[::2], cuts[1::2], strict=True):
        start = low.at if lowest is None else max(low.at, lowest)
        if not math.isfinite(start) or not math.isfinite(high.at) or high.at - start > MAX_ELEMENTS:
            raise Unread("too many elements")
        whole = range(math.ceil(start), math.floor(high.at) + 1)
        found += [number(n) for n in whole if (n, False) >= low[:2] and (n, True) <= high[:2]]
    return found


def _belongs(root: Tree, domain: str) -> bool:
    if domain not in _LOWEST:
        return True
    lowest = _LOWEST[domain]
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
