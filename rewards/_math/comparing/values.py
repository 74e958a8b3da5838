"""Is one value the other, units and all?

Covered: a unit left out on one side, conversion, percent as a share, degrees as radians, counted nouns, unfinished
arithmetic. Not covered: a unit that the question asked for and neither side writes.
"""

from __future__ import annotations

from fractions import Fraction

from rewards._math.algebra.equal import equal
from rewards._math.algebra.tree import PI, Num, Op, Tree, finished, number, times
from rewards._math.reading.quantity import Reading
from rewards._math.reading.structures import Value
from rewards._math.reading.units import Unit

_DEGREES, _PERCENT = (("deg", 1),), (("percent", 1),)


def same_value(gold: Value, given: Value, tolerance: float) -> str:
    """By which path two values are the same in one of their readings; an unfinished one only is where the gold one is."""
    for a in gold.readings:
        for b in given.readings:
            if finished(b.tree) or not finished(a.tree):
                found = same_reading(a, b, tolerance)
                if found:
                    return found
    return ""


def same_reading(gold: Reading, given: Reading, tolerance: float) -> str:
    """The same for one reading of each."""
    a, b = gold.unit, given.unit
    if (a is None and given.loose) or (b is None and gold.loose):
        return ""
    if a is None and b is None:
        return equal(gold.tree, given.tree, tolerance)
    return _units(gold.tree, a or Unit(), given.tree, b or Unit(), tolerance)


def _units(gold: Tree, a: Unit, given: Tree, b: Unit, tolerance: float) -> str:
    """A unit may be left out; where both have one they must measure the same thing."""
    if a.noun and b.noun and not (a.noun <= b.noun or b.noun <= a.noun):
        return ""
    gold, given = _scaled(gold, a.scale), _scaled(given, b.scale)
    for unit, tree, other_unit, other in ((a, gold, b, given), (b, given, a, gold)):
        if unit.dims == _PERCENT and other_unit.dims != _PERCENT:
            return _percent(gold, a, given, b, tolerance) if not other_unit.dims and not other_unit.noun else ""
        if unit.dims == _DEGREES and other_unit.dims in ((), (("rad", 1),)):
            radians = times(tree, Op("/", (PI, number(180))))
            exact = equal(tree, other, tolerance) if not other_unit.dims else ""
            return exact or labelled(equal(other, radians, tolerance), "degrees as radians")
    if a.dims != b.dims:
        if (a.dims or a.noun) and (b.dims or b.noun):
            return ""
        return labelled(equal(gold, given, tolerance), "one unit left out")
    if a.size == b.size:
        return equal(gold, given, tolerance)
    return labelled(equal(_scaled(gold, a.size), _scaled(given, b.size), tolerance), "units converted")


def _scaled(tree: Tree, size: Fraction) -> Tree:
    if size == 1:
        return tree
    return Num(tree.value * size) if isinstance(tree, Num) else times(Num(size), tree)


def _percent(gold: Tree, a: Unit, given: Tree, b: Unit, tolerance: float) -> str:
    """`50%` is 1/2; a bare 50 also is 50% where it cannot be meant as a share."""
    share, bare = (gold, given) if a.dims == _PERCENT else (given, gold)
    if equal(times(share, Op("/", (number(1), number(100)))), bare, tolerance):
        return "percent as a share"
    known = isinstance(bare, Num) and (abs(bare.value) > 1 or (abs(bare.value) == 1 and bare is given))
    return labelled(equal(gold, given, tolerance), "percent sign left out") if known else ""


def labelled(found: str, label: str) -> str:
    """A path with what had to be done first; empty stays empty."""
    return f"{label}, {found}" if found else ""
