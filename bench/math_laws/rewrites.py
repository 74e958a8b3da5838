"""Other forms of a meaning, of the same value. The oracle decides whether they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import sympy
from sympy import Integer, Rational, Symbol

from bench.math_laws.meanings import UNITS, Based, Equation, Expr, Grid, Meaning, Quantity, Region, Several, Word

Named = tuple[str, Meaning]  # what was done, and what came of it
FORMS: tuple[Callable[[Expr], Expr], ...] = (
    sympy.expand, sympy.factor, sympy.together, sympy.radsimp, sympy.cancel, sympy.expand_log, sympy.powsimp, sympy.expand_trig,
    sympy.trigsimp,
)  # fmt: skip


def kept(meaning: Meaning, random: Random) -> Named:
    """The same value in another form, or as it is."""
    if random.random() < 0.3:
        return "itself", meaning
    match meaning:
        case Several(items, "ratio"):
            factor = random.randint(2, 5)
            return "multiplied", replace(meaning, items=tuple(factor * i for i in items))
        case Several(items):
            return "members rewritten", replace(meaning, items=tuple(_form(i, random)[1] for i in items))
        case Grid(rows):
            return "entries rewritten", Grid(tuple(tuple(_form(e, random)[1] for e in row) for row in rows))
        case Equation():
            return _moved(meaning, random)
        case Quantity(value, unit):
            return _converted(value, unit, random)
        case Region() | Based() | Word():
            return "itself", meaning
    return _form(meaning, random)


def _form(expr: Expr, random: Random) -> Named:
    form = random.choice(FORMS)
    return form.__name__, expr if expr.is_Rational else form(expr)


def _moved(equation: Equation, random: Random) -> Named:
    left, right = equation.left, equation.right
    if isinstance(left, Symbol) and random.random() < 0.5:
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
