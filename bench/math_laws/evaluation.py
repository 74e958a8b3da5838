"""The number that an expression is, to 30 digits, at points for its letters."""

from __future__ import annotations

from random import Random

import sympy
from mpmath import mp

from bench.math_laws.meanings import Expr
from bench.math_laws.values import LETTERS

mp.dps = 30
Point = dict[str, object]
CONSTANTS = {sympy.pi: +mp.pi, sympy.E: +mp.e, sympy.I: mp.mpc(0, 1)}
FUNCTIONS = {
    "sin": mp.sin, "cos": mp.cos, "tan": mp.tan, "log": mp.ln, "exp": mp.exp, "Abs": mp.fabs, "factorial": mp.factorial,
    "binomial": mp.binomial,
}  # fmt: skip


HALF = 3  # of the points: letters are positive in these, of either sign in the others


def points() -> list[Point]:
    """Values for each letter."""
    letters = [*"abcdefghijklmnopqrstuvwxyz", *LETTERS, "f(x)", "g(x)"]
    found: list[Point] = []
    for i in range(2 * HALF):
        random = Random(f"math_laws/point/{i}")
        found.append({c: mp.mpf(random.uniform(0.3, 2.5)) * (1 if i < HALF else random.choice((-1, 1))) for c in letters})
    return found


POINTS = points()


def value(expr: Expr, point: Point) -> Expr:
    """The number that an expression is at a point."""
    if expr.is_Rational:
        return mp.mpf(int(expr.p)) / int(expr.q)
    if expr.is_Symbol:
        return point[expr.name]
    if expr in CONSTANTS:
        return CONSTANTS[expr]
    parts = [value(part, point) for part in expr.args]
    if expr.is_Add:
        return mp.fsum(parts)
    if expr.is_Mul:
        return mp.fprod(parts)
    if expr.is_Pow:
        if _off_axis(parts[0]) and not expr.exp.is_integer:
            raise ValueError("a root of a negative number is real to some, complex to others")
        return mp.power(*parts)
    name = expr.func.__name__
    if name not in FUNCTIONS or (name == "log" and _off_axis(parts[0])):
        raise ValueError(f"{name} has no real value here")
    return FUNCTIONS[name](*parts)


def _off_axis(x: Expr) -> bool:
    """Whether a number is not positive or zero."""
    return isinstance(x, mp.mpc) or x < 0
