"""Inequalities between the absolute value of a linear expression and a number, without the bars: `|x-2| < 5`.

Covered: one variable, rational coefficients, the bars on either side or in the middle of a chain. Not covered: several bars.
"""

from __future__ import annotations

from fractions import Fraction

from rewards._math.algebra.polynomial import constant, quotient
from rewards._math.algebra.tree import Num, Op, Sym, Tree, Unread, symbols, times
from rewards._math.reading.quantity import Reading
from rewards._math.reading.structures import TURNED, Answer, Group, Relation, Value


def without_bars(relation: Relation) -> Answer | None:
    """The bounds on the variable itself; None where there are no bars around it."""
    if len(relation.sides) == 3 and isinstance(middle := relation.sides[1], Value) and _barred(middle.tree):
        halves = [without_bars(Relation(relation.sides[at : at + 2], relation.ops[at : at + 1])) for at in (0, 1)]
        found = [half for half in halves if half is not None]
        return Group("", "", tuple(found)) if len(found) == len(halves) else None
    if len(relation.sides) != 2 or relation.ops[0] not in TURNED:
        return None
    left, right = relation.sides
    op = relation.ops[0]
    if isinstance(right, Value) and _barred(right.tree):
        left, right, op = right, left, TURNED[op]
    if not isinstance(left, Value) or not isinstance(right, Value) or not _barred(left.tree) or symbols(right.tree):
        return None
    variable, slope, offset = _linear(left.tree)
    ends = sorted((_solved(right.tree, sign, slope, offset) for sign in (-1, 1)), key=lambda end: end[0] * slope)
    low, x, high = _value(ends[0][1]), _value(Sym(variable)), _value(ends[1][1])
    if op in ("<", "<="):
        return Relation((low, x, high), (op, op))
    return Group("", "", (Relation((x, low), (TURNED[op],)), Relation((x, high), (op,))), "or")


def _barred(tree: Tree) -> bool:
    return isinstance(tree, Op) and tree.name == "abs"


def _linear(tree: Tree) -> tuple[str, Fraction, Fraction]:
    """The variable, slope and offset inside the bars."""
    assert isinstance(tree, Op)
    names = symbols(tree)
    form = quotient(tree.args[0])
    if len(names) != 1 or set(form.bottom) != {()}:
        raise Unread("no linear expression in one variable")
    (name,) = names
    slope, offset = form.top.get(((name, Fraction(1)),)), form.top.get((), Fraction(0))
    if not slope or len(form.top) > 1 + bool(offset):
        raise Unread("no linear expression in one variable")
    return name, slope / form.bottom[()], offset / form.bottom[()]


def _solved(bound: Tree, sign: int, slope: Fraction, offset: Fraction) -> tuple[int, Tree]:
    """The end at which the inside of the bars is the bound, or minus the bound."""
    tree = times(Op("+", (times(Num(Fraction(sign)), bound), Num(-offset))), Num(1 / slope))
    value = constant(quotient(tree))
    return sign, tree if value is None else Num(value)


def _value(tree: Tree) -> Value:
    return Value((Reading(tree),))
