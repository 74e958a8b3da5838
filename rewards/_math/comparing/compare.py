"""Is one answer the other? Structure first, then the expressions in it.

Covered: values with units, lists (any order), sets, tuples and intervals (brackets and order count), matrices, equations
up to a factor, assignments, chains whose sides agree, sets of real numbers in any notation, number words. Not covered:
equations solved for another variable, sets of vectors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rewards._math.algebra.tree import Unread
from rewards._math.comparing import equations, region
from rewards._math.comparing.elements import elements
from rewards._math.comparing.matrices import alike
from rewards._math.comparing.same_family import same_family
from rewards._math.comparing.values import labelled, same_value
from rewards._math.reading.structures import Answer, Builder, Cases, Family, Group, Matrix, Relation, Union, Value, Words
from rewards._math.reading.words import empty

MAX_ITEMS = 60


def same(gold: Answer, given: Answer, tolerance: float = 0.0) -> str:
    """By which path two answers are the same; empty where they are not."""
    if isinstance(gold, Builder) or isinstance(given, Builder):
        return _described(gold, given, tolerance)
    if isinstance(gold, Family) or isinstance(given, Family):
        return same_family(gold, given, same)
    if isinstance(gold, Value) and isinstance(given, Value):
        return same_value(gold, given, tolerance)
    if equations.assignments(gold) or equations.assignments(given):
        found = equations.assigned(gold, given, tolerance)
        if found:
            return found
    if isinstance(gold, Relation) or isinstance(given, Relation):
        found = equations.relations(gold, given, tolerance)
        if found:
            return found
    if any(_describes_set(a) for a in (gold, given)):
        return _regions(gold, given, tolerance)
    if isinstance(gold, Group) or isinstance(given, Group):
        return groups(gold, given, tolerance)
    if isinstance(gold, Cases) and isinstance(given, Cases):
        return _cases(gold, given, tolerance)
    if isinstance(gold, Matrix) and isinstance(given, Matrix):
        return _vectors(gold, given, tolerance)
    if isinstance(gold, Words) and isinstance(given, Words):
        return _words(gold, given)
    return ""


def _described(gold: Answer, given: Answer, tolerance: float) -> str:
    """Described sets by their elements, or by their descriptions."""
    if isinstance(gold, Builder) and isinstance(given, Builder):
        same_range = (gold.variable, gold.domain) == (given.variable, given.domain)
        if same_range and (found := same(gold.condition, given.condition, tolerance)):
            return labelled(found, "the same description")
    a, b = (elements(x) if isinstance(x, Builder) else x for x in (gold, given))
    return same(a, b, tolerance) if a is not None and b is not None else ""


def _cases(gold: Cases, given: Cases, tolerance: float) -> str:
    left, right = (Group("", "", tuple(Group("(", ")", row) for row in rows)) for rows in (gold.rows, given.rows))
    return "case by case" if _any_order(left, right, tolerance) else ""


def _describes_set(answer: Answer) -> bool:
    if isinstance(answer, Group):
        points = [i for i in answer.items if answer.joined == "or" and isinstance(i, Relation) and i.ops == ("=",)]
        others = [i for i in answer.items if i not in points]
        return not answer.opening and bool(others) and all(_describes_set(i) for i in others)
    if isinstance(answer, Words):
        return answer.text in region.REALS
    return isinstance(answer, Union) or (isinstance(answer, Relation) and not set(answer.ops) <= equations.EQUALITIES)


def _regions(gold: Answer, given: Answer, tolerance: float) -> str:
    try:
        (a, left), (b, right) = region.region(gold), region.region(given)
    except Unread:
        return ""
    if a and b and a != b:
        return ""
    return "the same set of numbers" if region.same(left, right, tolerance) else ""


def groups(gold: Answer, given: Answer, tolerance: float) -> str:
    """Lists, tuples, sets and intervals, where at least one side is one."""
    if isinstance(gold, Words) or isinstance(given, Words):
        nothing = [a for a in (gold, given) if (isinstance(a, Words) and empty(a.text)) or (isinstance(a, Group) and not a.items)]
        return "the empty set" if len(nothing) == 2 else ""
    if isinstance(gold, Matrix) or isinstance(given, Matrix):
        return _vectors(gold, given, tolerance)
    left, right = (a if isinstance(a, Group) else None for a in (gold, given))
    if left is None or right is None:
        return alone(gold, given, tolerance)
    if (one := _only_item(left, right)) is not None:
        return same(*one, tolerance)
    if {left.opening, right.opening} == {"{", "("} or {left.opening, right.opening} == {"{", "["}:
        return ""
    if left.opening and right.opening and left.opening != "{":
        interval = len(left.items) == 2
        if interval and (left.opening, left.closing) != (right.opening, right.closing):
            return ""
        return in_order(left.items, right.items, tolerance)
    if left.opening in ("", "{") and right.opening in ("", "{"):
        return _any_order(left, right, tolerance)
    half_open = any(g.opening and (g.opening, g.closing) != ("(", ")") and len(g.items) == 2 for g in (left, right))
    return "" if half_open else in_order(left.items, right.items, tolerance)


def _only_item(gold: Group, given: Group) -> tuple[Answer, Answer] | None:
    """A tuple beside the set of one tuple, without the braces."""
    for one, other in ((gold, given), (given, gold)):
        if one.opening == "{" and other.opening == "(" and len(one.items) == 1 and isinstance(one.items[0], Group):
            return (one.items[0], other) if one is gold else (other, one.items[0])
    return None


def alone(gold: Answer, given: Answer, tolerance: float) -> str:
    """One answer beside several: right only where all of them are that one, and said to be (`1/2 or 0.5`, `{5}`)."""
    several, one = (gold, given) if isinstance(gold, Group) else (given, gold)
    if not isinstance(several, Group) or not (several.joined == "or" or (several.opening == "{" and len(several.items) == 1)):
        return ""
    found = [same(gold, i, tolerance) if one is gold else same(i, given, tolerance) for i in several.items]
    return found[0] if all(found) and found else ""


def in_order(gold: Sequence[Answer], given: Sequence[Answer], tolerance: float) -> str:
    """Item by item."""
    if len(gold) != len(given):
        return ""
    return "item by item" if all(same(a, b, tolerance) for a, b in zip(gold, given, strict=True)) else ""


def _any_order(gold: Group, given: Group, tolerance: float) -> str:
    left, right = list(gold.items), list(given.items)
    if max(len(left), len(right)) > MAX_ITEMS:
        return in_order(left, right, tolerance)
    pairs = all(isinstance(i, Group) and i.opening for i in (*left, *right))  # a solution that is listed twice is one
    if pairs or "{" in (gold.opening, given.opening) or "or" in (gold.joined, given.joined):
        left, right = _distinct(left), _distinct(right)
    if len(left) != len(right):
        return ""
    for item in left:
        partner = next((i for i, other in enumerate(right) if same(item, other, tolerance)), None)
        if partner is None:
            return ""
        del right[partner]
    return "the same items"


def _distinct(items: Iterable[Answer]) -> list[Answer]:
    kept: list[Answer] = []
    for item in items:
        if not any(same(item, k) for k in kept):
            kept.append(item)
    return kept


def _vectors(gold: Answer, given: Answer, tolerance: float) -> str:
    left, right = alike(gold, given)
    if left is None or right is None or len(left) != len(right):
        return ""
    return "entry by entry" if all(in_order(a, b, tolerance) for a, b in zip(left, right, strict=True)) else ""


def _words(gold: Words, given: Words) -> str:
    return "the same text" if gold.text and (gold.text == given.text or (empty(gold.text) and empty(given.text))) else ""
