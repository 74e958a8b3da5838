"""Are two expressions the same? The cheapest proof first: form, canonical form, floats, 80 digits.

Covered: everything that `parse` reads. Most pairs are decided by the first two steps, exactly and without any library.
"""

from __future__ import annotations

from rewards._math.algebra import numeric, polynomial
from rewards._math.algebra.tree import Num, Op, Tree, Undefined, Unread, indeterminate, infinite, negative, symbols


def equal(gold: Tree, given: Tree, tolerance: float = 0.0) -> str:
    """By which path two trees are equal; empty where they are not."""
    if gold == given and _defined(gold):
        return "the same form"
    if isinstance(gold, Num) and isinstance(given, Num):
        return "exact numbers" if gold.value == given.value else _near(gold, given, tolerance)
    if infinite(gold) or infinite(given) or indeterminate(gold) or indeterminate(given):
        return ""
    try:
        return _equal(gold, given) or _near(gold, given, tolerance)
    except Unread:
        return ""


def _defined(tree: Tree) -> bool:
    """Whether an expression has a value, as far as the canonical form can tell."""
    if not isinstance(tree, Op) or infinite(tree):
        return True
    try:
        polynomial.quotient(tree)
    except Undefined:
        return False
    except Unread:
        pass
    return not indeterminate(tree)


def _equal(gold: Tree, given: Tree) -> str:
    try:
        a, b = polynomial.quotient(gold), polynomial.quotient(given)
        if polynomial.same(a, b):
            return "canonical form"
        if a.whole and b.whole:
            return ""
    except Undefined:
        return ""
    except Unread:
        pass
    if numeric.differ(gold, given):
        return ""
    return f"{numeric.EQUAL} digits at {numeric.POINTS} points" if numeric.agree(gold, given) else ""


def _near(gold: Tree, given: Tree, tolerance: float) -> str:
    if tolerance and not symbols(gold) and not symbols(given) and numeric.near(gold, given, tolerance):
        return f"within {tolerance:g}"
    return ""


def proportional(gold: Tree, given: Tree, *, positive: bool = False) -> bool:
    """Whether one expression is a nonzero constant times the other, as in `x+y-2` and `2x+2y-4`."""
    try:
        a, b = polynomial.quotient(gold), polynomial.quotient(given)
        left, right = polynomial.product(a.top, b.bottom), polynomial.product(b.top, a.bottom)
    except Unread:
        return False
    if not left or not right or set(left) != set(right):
        return False
    factors = {left[m] / right[m] for m in left}
    return len(factors) == 1 and (not positive or factors.pop() > 0)


def difference(a: Tree, b: Tree) -> Tree:
    return Op("+", (a, negative(b)))
