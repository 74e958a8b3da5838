"""Other forms of a meaning, of the same value. The oracle decides whether they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import sympy
from sympy import Integer, Rational, Symbol

from bench.math_laws.meanings import UNITS, Based, Equation, Expr, Grid, Meaning, Quantity, Region, Several, Word

Named = tuple[str, Meaning]  # what was done, and what came of it


def kept(meaning: Meaning, random: Random) -> Named:
    """The same value in another form, or as it is."""
    if random.random() < 0.3:
        return "itself", meaning
    match meaning:
        case Several(items, "ratio"):
            factor = random.randint(2, 5)
            return "multiplied", replace(meaning, items=tuple(factor * i for i in items))
        case Several(items):
            return "members rewritten", replace(meaning, items=tuple(kept(i, random)[1] for i in items))
        case Grid(rows):
            return "entries rewritten", Grid(tuple(tuple(_form(e, random)[1] for e in row) for row in rows))
        case Equation():
            return _moved(meaning, random)
        case Quantity(value, unit):
            return _converted(value, unit, random)
        case Region() | Based() | Word():
            return "itself", meaning
    return _form(meaning, random)


def unsimplified(expr: Expr) -> Expr:
    """`2 sqrt(3)` as `sqrt(12)`."""
    coefficient, root = expr.as_coeff_Mul()
    if not (coefficient.is_Integer and coefficient > 1 and root.is_Pow and root.exp == Rational(1, 2) and root.base.is_Integer):
        return expr
    return sympy.Pow(coefficient**2 * root.base, Rational(1, 2), evaluate=False)


def pythagorean(expr: Expr) -> Expr:
    """With `1 - sin^2` for `cos^2`."""
    return expr.replace(lambda e: e.is_Pow and e.exp == 2 and e.base.func is sympy.cos, lambda e: 1 - sympy.sin(e.base.args[0]) ** 2)


def nested(expr: Expr) -> Expr:
    """A polynomial by Horner's rule."""
    return sympy.horner(expr) if len(expr.free_symbols) == 1 and expr.is_polynomial() else expr


FORMS: tuple[Callable[[Expr], Expr], ...] = (
    sympy.expand, sympy.factor, sympy.together, sympy.radsimp, sympy.cancel, sympy.expand_log, sympy.powsimp, sympy.expand_trig,
    sympy.trigsimp, sympy.powdenest, sympy.logcombine, unsimplified, pythagorean, nested,
)  # fmt: skip


def _form(expr: Expr, random: Random) -> Named:
    form = random.choice(FORMS)
    return form.__name__, expr if expr.is_Rational else form(expr)


def _moved(equation: Equation, random: Random) -> Named:
    left, right = equation.left, equation.right
    if isinstance(left, Symbol) and ("(" in left.name or random.random() < 0.5):
        return "right side rewritten", Equation(left, _form(right, random)[1])
    factor = random.choice((1, 2, 3, -1))
    return "terms moved", Equation(sympy.expand(factor * (left - right)), Integer(0))


def _converted(value: Expr, unit: str, random: Random) -> Named:
    size, measured, _ = UNITS[unit]
    if unit == "%":
        return "share", value / 100 if random.random() < 0.5 else Quantity(value, unit)
    other = random.choice([u for u, (_, m, _) in UNITS.items() if m == measured])
    ratio = size / UNITS[other][0]
    return "unit converted" if other != unit else "itself", Quantity(value * Rational(ratio.numerator, ratio.denominator), other)
