"""Sets of real numbers as cuts of the number line: intervals, unions, complements, inequalities in one variable.

Covered: every combination of these, whichever way it is written; end points are compared exactly. Not covered: sets with
infinitely many pieces, inequalities that have to be solved first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from rewards._math.algebra.equal import equal
from rewards._math.algebra.numeric import real
from rewards._math.algebra.tree import Sym, Tree, Unread, infinite, symbols
from rewards._math.comparing.absolute import without_bars
from rewards._math.reading.structures import TURNED, Answer, Group, Relation, Union, Value, Words, name

REALS = frozenset(
    {r"\mathbb{r}", r"\mathbb r", "all real numbers", "all reals", "real numbers", "all real values", "reals", "全体实数", "任意实数"}
)
MAX_CUTS = 60
REAL_NUMBERS = Sym("R")
UNNAMED = Words("")  # the left side of `> 5`


class Cut(NamedTuple):
    """A place between two numbers: just before `at`, or just after it."""

    at: float
    after: bool
    tree: Tree | None  # what was written; None at the infinities


START, STOP = Cut(-math.inf, True, None), Cut(math.inf, False, None)
Region = list[Cut]  # cuts in order: the set lies between the first and the second, the third and the fourth, ...
EVERYTHING: Region = [START, STOP]


def same(gold: Region, given: Region, tolerance: float = 0.0) -> bool:
    return len(gold) == len(given) and all(a.after == b.after and _same_end(a, b, tolerance) for a, b in zip(gold, given, strict=True))


def region(answer: Answer) -> tuple[str, Region]:
    """The variable, where one is named, and the set that an answer describes; Unread where it describes none."""
    if isinstance(answer, Words):
        if answer.text in REALS:
            return "", EVERYTHING
        raise Unread(f"{answer.text!r} is no set of numbers")
    if isinstance(answer, Value) and answer.tree == REAL_NUMBERS:
        return "", EVERYTHING
    if isinstance(answer, Union):
        return _union(answer)
    if isinstance(answer, Relation):
        return _relation(answer)
    if isinstance(answer, Group):
        return _group(answer)
    raise Unread("not a set of numbers")


def _union(answer: Union) -> tuple[str, Region]:
    regions = [region(_in_braces(p))[1] for p in answer.parts]
    if answer.minus:
        return "", _meet([regions[0], *(_complement(r) for r in regions[1:])])
    return "", _join(regions)


def _in_braces(part: Answer) -> Answer:
    """Numbers in a union are a set, though plain text leaves the backslash out of `\\{1\\}`."""
    if isinstance(part, Value) and part.tree != REAL_NUMBERS:
        return Group("{", "}", (part,))
    if isinstance(part, Group) and not part.opening and all(isinstance(i, Value) for i in part.items):
        return Group("{", "}", part.items)
    return part


def _group(answer: Group) -> tuple[str, Region]:
    if answer.opening == "{":
        return "", _join([_between(_cut(a, False), _cut(a, True)) for a in answer.items])
    if answer.opening and len(answer.items) == 2:
        low, high = answer.items
        return "", _between(_cut(low, answer.opening == "("), _cut(high, answer.closing != ")"))
    if answer.opening or not answer.items:
        raise Unread("not an interval")
    parts = [region(i) for i in answer.items]
    names = {n for n, _ in parts if n}
    if len(names) > 1:
        raise Unread("several variables")
    return names.pop() if names else "", (_join if answer.joined == "or" else _meet)([r for _, r in parts])


def _relation(answer: Relation) -> tuple[str, Region]:
    if answer.ops == ("in",):
        return _variable(answer.sides[0]), region(answer.sides[1])[1]
    at = next((i for i, s in enumerate(answer.sides) if s == UNNAMED or (isinstance(s, Value) and symbols(s.tree))), None)
    if at is None:
        raise Unread("no variable")
    if bounds := without_bars(answer):
        return region(bounds)
    parts = [_half(s, TURNED.get(o, o)) for s, o in zip(answer.sides[:at], answer.ops[:at], strict=True)]
    parts += [_half(s, o) for s, o in zip(answer.sides[at + 1 :], answer.ops[at:], strict=True)]
    return _variable(answer.sides[at]), _meet(parts)


def _variable(answer: Answer) -> str:
    if answer == UNNAMED:
        return ""
    if isinstance(answer, Value) and (named := name(answer)):
        return named
    raise Unread("not solved for a variable")


def _half(side: Answer, op: str) -> Region:
    if op in (">", ">="):
        return _between(_cut(side, op == ">"), STOP)
    if op in ("<", "<="):
        return _between(START, _cut(side, op == "<="))
    if op == "=":
        return _between(_cut(side, False), _cut(side, True))
    if op == "!=":
        return _complement(_between(_cut(side, False), _cut(side, True)))
    raise Unread(f"{op} in a set of numbers")


def _cut(answer: Answer, after: bool) -> Cut:
    if not isinstance(answer, Value) or symbols(answer.tree):
        raise Unread("an end point that is no number")
    sign = infinite(answer.tree)
    if sign:
        return STOP if sign > 0 else START
    # Twelve digits, so that one number written in two ways falls on one place.
    return Cut(float(f"{real(answer.tree):.12g}"), after, answer.tree)


def _between(low: Cut, high: Cut) -> Region:
    return [low, high] if low[:2] < high[:2] else []


def _complement(cuts: Region) -> Region:
    inner = cuts[1:] if cuts[:1] == [START] else [START, *cuts]
    return inner[:-1] if inner[-1:] == [STOP] else [*inner, STOP]


def _join(regions: Sequence[Region]) -> Region:
    if sum(map(len, regions)) > MAX_CUTS:
        raise Unread("too many pieces")
    pieces = sorted((tuple(r[i : i + 2]) for r in regions for i in range(0, len(r), 2)), key=lambda p: (p[0][:2], p[1][:2]))
    total: Region = []
    for low, high in pieces:
        if total and low[:2] <= total[-1][:2]:
            total[-1] = max(total[-1], high, key=lambda c: c[:2])
        else:
            total += [low, high]
    return total


def _meet(regions: Sequence[Region]) -> Region:
    return _complement(_join([_complement(r) for r in regions]))


def _same_end(a: Cut, b: Cut, tolerance: float) -> bool:
    if a.tree is None or b.tree is None:
        return a[:2] == b[:2]
    return bool(equal(a.tree, b.tree, tolerance))
