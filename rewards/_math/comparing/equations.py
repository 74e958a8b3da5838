"""Relations: assignments, equations, inequalities in several variables.

Covered: `x = 5` beside 5 and beside `5 = x`, assignments by name, equations up to a factor, inequalities read from either
side. Not covered: equations solved for another variable.
"""

from __future__ import annotations

import re

from rewards._math.algebra.equal import difference, proportional
from rewards._math.algebra.tree import Sym

# Answers hold answers, so this module and `compare` call each other.
from rewards._math.comparing import compare
from rewards._math.comparing.chains import chain, variables
from rewards._math.comparing.values import labelled
from rewards._math.reading.structures import TURNED, Answer, Group, Relation, Value, Words, name

_FUNCTION = re.compile("[fghFGH][a-z]")
EQUALITIES = frozenset({"=", "~", "=="})


def assignments(answer: Answer) -> bool:
    """`x = 1, y = 2`, in full or in part."""
    return isinstance(answer, Group) and not answer.opening and any(_assignment(i) for i in answer.items)


def _assignment(answer: Answer) -> bool:
    return isinstance(answer, Relation) and answer.ops == ("=",) and name(answer.sides[0]) is not None


def assigned(gold: Answer, given: Answer, tolerance: float) -> str:
    """By name where both sides name; a tuple is named in alphabetical order; one name given twice makes a list."""
    if not isinstance(gold, Group) or not isinstance(given, Group):
        return compare.alone(gold, given, tolerance)
    (a, left), (b, right) = _named(gold), _named(given)
    if a and b and len(set(a)) == len(a) and len(set(b)) == len(b):
        if sorted(a) != sorted(b):
            return ""
        return compare.in_order(left.items, [right.items[b.index(n)] for n in a], tolerance)
    for names, one, other in ((a, left, gold if b else right), (b, right, gold if a else left)):
        if names and other is not one and names == sorted(set(names)) and isinstance(other, Group) and other.opening == "(":
            return compare.in_order(left.items, right.items, tolerance)
    return compare.groups(left, right, tolerance)


def _named(group: Group) -> tuple[list[str], Group]:
    """The names of a list of assignments (none where some have none), and the list without them."""
    names = [name(i.sides[0]) if isinstance(i, Relation) and _assignment(i) else None for i in group.items]
    values = tuple(i.sides[1] if isinstance(i, Relation) and n else i for i, n in zip(group.items, names, strict=True))
    return [n for n in names if n] if all(names) else [], Group(group.opening, group.closing, values, group.joined)


def relations(gold: Answer, given: Answer, tolerance: float) -> str:
    if isinstance(gold, Relation) and isinstance(given, Relation):
        return _both(gold, given, tolerance)
    if isinstance(gold, Relation):
        return (
            labelled(_against(gold, given, tolerance), "the value of the gold equation")
            if set(gold.ops) <= EQUALITIES
            else _inside(gold, given, tolerance)
        )
    if isinstance(given, Relation):
        if given.ops == ("in",):
            return compare.same(gold, given.sides[1], tolerance) if not isinstance(gold, Value) else ""
        return chain(gold, given, tolerance, compare.same) if set(given.ops) <= EQUALITIES else ""
    return ""


def _inside(gold: Relation, given: Answer, tolerance: float) -> str:
    return compare.same(gold.sides[1], given, tolerance) if gold.ops == ("in",) else ""


def _against(gold: Relation, given: Answer, tolerance: float) -> str:
    """A bare value beside `x = 5` or `x = 5 ≈ 4.99`; an equation that names nothing has no value."""
    if name(gold.sides[0]) is None and len(gold.sides) == 2:
        if _measured(gold.sides[0]) and not variables(gold.sides[1]):
            return compare.same(gold.sides[1], given, tolerance)
        return (
            compare.same(gold.sides[0], given, tolerance)
            if name(gold.sides[1]) is not None and not isinstance(gold.sides[1], Words)
            else ""
        )
    return next((found for side in gold.sides[1:] if (found := compare.same(side, given, tolerance))), "")


def _measured(answer: Answer) -> bool:
    """Whether an expression is a quantity of named points, as in `|AB|` or `\\frac{NO}{BO}`, and no equation in unknowns."""
    names = variables(answer)
    return bool(names) and all(n[0].isupper() for n in names)


def _same_name(a: str | None, b: str | None) -> bool:
    """Also for `y` and `f(x)`, which name the values of one function."""
    return a == b or any(m == "y" and n is not None and _FUNCTION.fullmatch(n) is not None for m, n in ((a, b), (b, a)))


def _both(gold: Relation, given: Relation, tolerance: float) -> str:
    if set(gold.ops) <= EQUALITIES and set(given.ops) <= EQUALITIES:
        a, b = name(gold.sides[0]), name(given.sides[0])
        alike = _same_name(a, b)
        if a is not None and len(gold.sides) == 2 and (alike or (not variables(gold.sides[1]) and not _single(given.sides[0]))):
            found = chain(gold.sides[1], given, tolerance, compare.same)
            if found or (alike and not variables(gold.sides[1])):
                return found
        if len(gold.sides) > 2:
            return chain(gold.sides[-1], given, tolerance, compare.same)
    if len(gold.sides) == len(given.sides) == 2 and gold.ops[0] != "in" and given.ops[0] != "in":
        return _two_sided(gold, given)
    if gold.ops == given.ops:
        return compare.in_order(gold.sides, given.sides, tolerance)
    if gold.ops == tuple(TURNED.get(op, op) for op in reversed(given.ops)):
        return compare.in_order(gold.sides, given.sides[::-1], tolerance)
    return ""


def _single(answer: Answer) -> bool:
    return isinstance(answer, Value) and isinstance(answer.tree, Sym)


def _two_sided(gold: Relation, given: Relation) -> str:
    """Equations and inequalities in several variables, up to a factor and the side on which things stand."""
    sides = [s.tree for s in (*gold.sides, *given.sides) if isinstance(s, Value)]
    if len(sides) < 4:
        return "side by side" if gold.ops == given.ops and compare.in_order(gold.sides, given.sides, 0.0) else ""
    left, right = difference(sides[0], sides[1]), difference(sides[2], sides[3])
    if gold.ops == given.ops:
        return "the same relation" if proportional(left, right, positive=gold.ops[0] in TURNED) else ""
    if TURNED.get(gold.ops[0]) == given.ops[0]:
        return "the same relation" if proportional(left, difference(sides[3], sides[2]), positive=True) else ""
    return ""
