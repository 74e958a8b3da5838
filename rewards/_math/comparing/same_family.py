"""Are two answers that hold for every integer the same?

Covered: another letter, several branches for one (`\\pm\\frac{\\pi}{2} + 2n\\pi`), another start, parameters that are real
numbers. Not covered: families that are not linear in their letter: these only equal their like.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from rewards._math.algebra.numeric import real
from rewards._math.algebra.tree import Num, Op, Sym, Tree, Unread, symbols
from rewards._math.reading.structures import Answer, Family, Group, Relation, Value, name

INTEGER = "\\integer"  # a name that no answer can write
MAX_BRANCHES = 60


def same_family(gold: Answer, given: Answer, same: Callable[[Answer, Answer], str]) -> str:
    """Whether two answers are one family; one of them may leave out that its letter is an integer."""
    gold, given = _declared_like(gold, given), _declared_like(given, gold)
    if not isinstance(gold, Family) or not isinstance(given, Family) or gold.domain != given.domain:
        return ""
    if same(_renamed(gold.body, gold.letter), _renamed(given.body, given.letter)):
        return "the same family"
    if gold.domain != "Z":
        return ""
    try:
        left, right = _branches(gold), _branches(given)
        return "the same family" if _points(left, left[0][1], right) == _points(right, left[0][1], left) else ""
    except Unread:
        return ""


def _declared_like(answer: Answer, other: Answer) -> Answer:
    if isinstance(answer, Family) or not isinstance(other, Family):
        return answer
    names = _symbols(answer)
    letter = other.letter if other.letter in names else next(iter(names)) if len(names) == 1 and other.domain != "R" else ""
    return Family(answer, letter, other.domain) if letter else answer


def _symbols(answer: Answer) -> frozenset[str]:
    if isinstance(answer, Value):
        return symbols(answer.tree)
    if isinstance(answer, Group):
        return frozenset().union(*(_symbols(i) for i in answer.items))
    if isinstance(answer, Relation) and name(answer.sides[0]) is not None:
        return frozenset().union(*(_symbols(s) for s in answer.sides[1:]))
    return frozenset()


def _renamed(answer: Answer, letter: str) -> Answer:
    if isinstance(answer, Value):
        return Value(tuple(replace(r, tree=_replaced(r.tree, letter, Sym(INTEGER))) for r in answer.readings))
    if isinstance(answer, Group):
        return replace(answer, items=tuple(_renamed(i, letter) for i in answer.items))
    if isinstance(answer, Relation):
        return replace(answer, sides=tuple(_renamed(s, letter) for s in answer.sides))
    return answer


def _replaced(tree: Tree, letter: str, by: Tree) -> Tree:
    if tree == Sym(letter):
        return by
    return Op(tree.name, tuple(_replaced(a, letter, by) for a in tree.args)) if isinstance(tree, Op) else tree


def _branches(family: Family) -> list[tuple[float, float]]:
    """The start and the step of each expression in a family that is linear in its letter."""
    body = family.body
    items = body.items if isinstance(body, Group) and body.opening in ("", "{") else (body,)
    trees = [s.tree for i in items if isinstance(s := i.sides[-1] if isinstance(i, Relation) else i, Value)]
    if len(trees) < len(items):
        raise Unread("no expression")
    found: list[tuple[float, float]] = []
    for tree in trees:
        start, second, third = (real(_replaced(tree, family.letter, Num(Fraction(n)))) for n in range(3))
        step = second - start
        if not step or not math.isclose(third, start + 2 * step, rel_tol=1e-12, abs_tol=1e-12):
            raise Unread("not linear")
        found.append((start, step))
    return found


def _points(family: list[tuple[float, float]], unit: float, other: list[tuple[float, float]]) -> set[float]:
    """The starts of a family, every branch written out with the least step that is common to it and the other."""
    shares = [_ratio(step / unit) for _, step in (*family, *other)]
    period = Fraction(math.lcm(*(abs(s.numerator) for s in shares)), math.gcd(*(s.denominator for s in shares)))
    points: set[float] = set()
    for (start, _), share in zip(family, shares, strict=False):
        count = period / abs(share)
        if count > MAX_BRANCHES:
            raise Unread("too many branches")
        points |= {round((start / unit + n * float(abs(share))) / float(period) % 1, 9) % 1 for n in range(int(count))}
    return points


def _ratio(value: float) -> Fraction:
    found = Fraction(value).limit_denominator(MAX_BRANCHES)
    if not found or abs(float(found) - value) > 1e-9:
        raise Unread("steps that no common step holds")
    return found
