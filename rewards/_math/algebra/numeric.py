"""Expressions compared at fixed points: in floats to tell different ones apart, in 80 digits to confirm equal ones.

Covered: every function that `evaluate` knows, complex values included. Agreement to 60 digits at several points, negative
ones among them, is taken as equality; it is no proof, and no false agreement is known.
"""

from __future__ import annotations

import cmath
import zlib
from collections.abc import Mapping
from fractions import Fraction

from rewards._math.algebra.evaluate import RECIPROCAL, evaluate, library
from rewards._math.algebra.tree import Op, Tree, Unread, symbols

DIGITS = 80
POINTS = 4
CLOSE, EQUAL = 1e-6, 60
SMALL = 1e-9  # a number below it is compared as if it were that large, so that the cosine of a right angle is 0
POLES = frozenset({"tan", *RECIPROCAL})


def differ(a: Tree, b: Tree) -> bool:
    """Whether two expressions are plainly different numbers at some point, in floats. False also where floats cannot tell."""
    names = sorted(symbols(a) | symbols(b))
    for round_ in range(POINTS if names else 1):
        try:
            x, y = evaluate(a, _point(names, round_), cmath), evaluate(b, _point(names, round_), cmath)
        except (OverflowError, ZeroDivisionError, ValueError):
            continue
        if abs(x - y) > CLOSE * max(abs(x), abs(y), SMALL):
            return True
    return False


def agree(a: Tree, b: Tree) -> bool:
    """Whether two expressions agree to EQUAL digits at every point."""
    mp = library()
    names = sorted(symbols(a) | symbols(b))
    with mp.workdps(DIGITS):
        for round_ in range(POINTS if names else 1):
            try:
                x, y = evaluate(a, _point(names, round_), mp), evaluate(b, _point(names, round_), mp)
            except (OverflowError, ZeroDivisionError, ValueError):
                return False
            if not (mp.isfinite(x) and mp.isfinite(y)) or not abs(x - y) <= max(abs(x), abs(y), SMALL) * mp.mpf(10) ** -EQUAL:
                return False
    return True


def near(gold: Tree, given: Tree, tolerance: float) -> bool:
    """Whether two numbers are within a relative tolerance of the gold one."""
    try:
        x, y = evaluate(gold, {}, cmath), evaluate(given, {}, cmath)
    except (OverflowError, ZeroDivisionError, ValueError):
        return False
    return abs(x - y) <= tolerance * abs(x)


def pole(tree: Op) -> bool:
    """Whether a function in POLES is applied to a number at which it has no value, as in the tangent of a right angle."""
    if symbols(tree):
        return False
    try:
        return abs(evaluate(tree, {}, cmath)) > 1 / CLOSE**2
    except ZeroDivisionError:
        return True
    except (OverflowError, ValueError, Unread):
        return False


def real(tree: Tree) -> float:
    """A constant as a float, for putting numbers in order."""
    try:
        value = evaluate(tree, {}, cmath)
    except (OverflowError, ZeroDivisionError, ValueError) as error:  # floats have no factorial, and no logarithm of 0
        raise Unread("not a number that can be put in order") from error
    if abs(value.imag) > CLOSE * max(abs(value), 1.0):
        raise Unread("not a real number")
    return value.real


def _point(names: list[str], round_: int) -> Mapping[str, Fraction]:
    """A value for every variable, the same for a name in every run; the last rounds hold negative ones."""
    sign = -1 if round_ >= POINTS // 2 else 1
    return {n: sign * Fraction(zlib.crc32(f"{n}/{round_}".encode()) % 9973 + 3001, 7919) for n in names}
