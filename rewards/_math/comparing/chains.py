"""Chains of equalities, such as `x = 10/2 = 5`: what they say, and whether their sides agree.

Covered: the value of the last side, `5 = x`, rounded sides after `≈`, names in front. A chain whose sides differ says
nothing. Not covered: chains that mix equalities with inequalities.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from rewards._math.algebra.numeric import near, real
from rewards._math.algebra.tree import Num, Tree, symbols
from rewards._math.comparing.values import same_reading
from rewards._math.reading.structures import Answer, Relation, Value, Words, name

Same = Callable[[Answer, Answer, float], str]  # answers hold answers: whether two of them are the same
ROUNDED = 0.01  # how far the side after `≈` may lie from the exact one


def variables(answer: Answer) -> frozenset[str]:
    return symbols(answer.tree) if isinstance(answer, Value) else frozenset()


def chain(gold: Answer, given: Relation, tolerance: float, same: Same) -> str:
    """A chain `x = 10/2 = 5` says what its last side says, where all its sides with a value agree."""
    sides = given.sides
    ends = (
        sides
        if len(sides) == 2 and not isinstance(sides[0], Words) and _names_only(sides[1]) and not _names_only(sides[0])
        else sides[::-1]
    )
    last = ends[0]
    if isinstance(last, Words) and not isinstance(gold, Words):
        return ""
    if given.ops.count("~") > 1:  # each would give a guess beside the one before
        return ""
    at = len(sides) - 1 if ends is not sides else 0
    for i, side in enumerate(sides):
        if i == at or (i == 0 and name(side) is not None):
            continue
        if not _agrees(side, last, "~" in given.ops[min(i, at) : max(i, at)], same):
            return ""
    if ends is not sides and len(sides) == 2 and _unsolved(sides[0], last):
        return ""
    candidates = [s for i, s in enumerate(sides) if (i or name(s) is None or at == 0) and (i == at or not _names_more(s, last))]
    return next((found for c in reversed(candidates) if (found := same(gold, c, tolerance))), "")


def _unsolved(side: Answer, last: Answer) -> bool:
    """Whether `x^2 - 4 = 0` only says what x is to satisfy."""
    zero = isinstance(last, Value) and last.tree == Num(Fraction(0))
    return zero and name(side) is None and bool(variables(side) & {"x", "y", "z"})


def _names_only(answer: Answer) -> bool:
    return name(answer) is not None and not isinstance(answer, Words)


def _names_more(side: Answer, last: Answer) -> bool:
    """Whether a side has variables that the last one has not, so that the two cannot be compared."""
    return isinstance(side, Value) and isinstance(last, Value) and not symbols(side.tree) <= symbols(last.tree)


def _rounds(exact: Tree, rounded: Tree) -> bool:
    """Whether one is the other, rounded or cut off at the digits that are written."""
    if not near(exact, rounded, ROUNDED):
        return False
    written = next((t.value for t in (rounded, exact) if isinstance(t, Num)), None)
    return written is None or abs(real(exact) - real(rounded)) < _last_digit(written)


def _last_digit(written: Fraction) -> float:
    """What one more in the last digit is worth, zeros at the end of a whole number left out."""
    unit = Fraction(1)
    while (written / unit).denominator > 1 and unit > Fraction(1, 10**40):
        unit /= 10
    while written and unit >= 1 and not (written / unit) % 10:
        unit *= 10
    return float(unit)


def _agrees(side: Answer, last: Answer, rounded: bool, same: Same) -> bool:
    """Whether a side of a chain has the value of its last one; an expression in other variables is a name for it."""
    if isinstance(side, Value) and isinstance(last, Value):
        if _names_more(side, last):
            return True
        if rounded:
            return _rounds(side.tree, last.tree)
        pairs = ((a, b) for a in side.readings for b in last.readings)
        return any(same_reading(a, b, 0.0) for a, b in pairs)
    return bool(same(side, last, 0.0))
