"""Other values that look much the same: a sign, a digit, an exponent, an end, an order. The oracle decides whether they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import TypeVar

import sympy
from sympy import Integer, Rational, Symbol

from bench.math_laws.golds import CHINESE, ENGLISH
from bench.math_laws.meanings import UNITS, Based, Equation, Expr, Grid, Meaning, Quantity, Region, Several, Span, Word
from bench.math_laws.numbers import digits
from bench.math_laws.rewrites import Named

Item = TypeVar("Item")


def changed(meaning: Meaning, random: Random) -> Named:
    """Another value that looks much the same."""
    match meaning:
        case Several():
            return _other_members(meaning, random)
        case Grid():
            return _other_grid(meaning, random)
        case Region():
            return _other_region(meaning, random)
        case Equation(left, right):
            name, right = _mutated(right, random)
            return f"right side: {name}", Equation(left, right)
        case Quantity(value, unit):
            if unit != "%" and random.random() < 0.4:
                return "unit", Quantity(value, random.choice([u for u in UNITS if u not in (unit, "%")]))
            name, value = _mutated(value, random)
            return name, Quantity(value, unit)
        case Based(value, base):
            if random.random() < 0.4:
                other = random.choice([b for b in (3, 5, 7, 8, 9, 12, 16) if b > base] or [17])
                return "base", Based(int(digits(value, base), other), other)
            return "another number", Based(max(1, value + random.choice((-2, -1, 1, 2, base))), base)
        case Word(text, choice):
            pool: Sequence[str] = "ABCD" if choice else ENGLISH if text.isascii() else CHINESE
            return "another word", Word(random.choice([w for w in pool if w != text]), choice)
    return _mutated(meaning, random)


def _mutated(expr: Expr, random: Random) -> Named:
    """One part of an expression changed."""
    if expr.is_number and expr.is_real and random.random() < 0.1:
        scale = random.choice((10, 100, 1000))
        return "rounded", Rational(int(sympy.floor(expr * scale + Rational(1, 2))), scale)
    if random.random() < 0.2:
        return "sign", -1 * expr
    if random.random() < 0.1 and not expr.is_zero:
        return "upside down", sympy.Pow(expr, -1)
    if expr.is_Rational and random.random() < 0.4:
        return _digits(expr, random)
    places: list[Expr] = [
        node for node in sympy.preorder_traversal(expr) if node.is_Integer or node.is_Symbol or node.is_Add or node.is_Rational
    ]
    return _replaced(expr, random.choice(places), random) if places else ("doubled", 2 * expr)


def _digits(number: Expr, random: Random) -> Named:
    """A digit of the numerator changed, dropped or swapped with its neighbour; or a point moved."""
    figures = list(str(abs(number.p)))
    at = random.randrange(len(figures))
    name = random.choice(("digit", "digits swapped", "digit dropped", "point"))
    if name == "digit":
        figures[at] = random.choice("123456789")
    elif name == "digit dropped" and len(figures) > 1:
        del figures[at]
    elif name == "digits swapped":
        figures[at - 1], figures[at] = figures[at], figures[at - 1]
    else:
        return "point", number * Integer(10) ** random.choice((-1, 1))
    return name, Rational(int("".join(figures)) * (1 if number > 0 else -1), number.q)


def _replaced(expr: Expr, old: Expr, random: Random) -> Named:
    if old.is_Symbol:
        other = random.choice([s for s in (*expr.free_symbols, Symbol("z")) if s != old])
        return "letter", expr.xreplace({old: other})
    if old.is_Add:
        term = random.choice(old.args)
        return random.choice((("sign of a term", expr.xreplace({old: old - 2 * term})), ("term dropped", expr.xreplace({old: old - term}))))
    return "number inside", expr.xreplace({old: random.choice((old + 1, old - 1, -old))})


def _swap(items: Sequence[Item], random: Random) -> tuple[Item, ...]:
    at = random.sample(range(len(items)), 2)
    return tuple(items[{at[0]: at[1], at[1]: at[0]}.get(i, i)] for i in range(len(items)))


def _other_members(several: Several, random: Random) -> Named:
    items, at = several.items, random.randrange(len(several.items))
    if several.form in ("tuple", "vector", "ratio") and random.random() < 0.3:
        return "order", replace(several, items=_swap(items, random))
    if random.random() < 0.2 and len(items) > 2:
        return "member dropped", replace(several, items=items[:at] + items[at + 1 :])
    if random.random() < 0.2:
        new = Integer(random.randint(10, 20))
        points = any(isinstance(item, Several) for item in items)
        return "member added", replace(several, items=(*items, Several((new, new), "tuple") if points else new))
    name, item = _other_members(items[at], random) if isinstance(items[at], Several) else _mutated(items[at], random)
    return f"member: {name}", replace(several, items=(*items[:at], item, *items[at + 1 :]))


def _other_grid(grid: Grid, random: Random) -> Named:
    if random.random() < 0.2 and len(grid.rows) > 1:
        return "rows swapped", Grid(_swap(grid.rows, random))
    if random.random() < 0.2:
        return "transposed", Grid(tuple(zip(*grid.rows, strict=True)))
    i, row = random.choice(list(enumerate(grid.rows)))
    j = random.randrange(len(row))
    name, entry = _mutated(row[j], random)
    return f"entry: {name}", Grid((*grid.rows[:i], (*row[:j], entry, *row[j + 1 :]), *grid.rows[i + 1 :]))


def _other_region(region: Region, random: Random) -> Named:
    if not region.spans:
        return "not empty", Region((Span(Integer(random.randint(-5, 5)), sympy.oo, True, False),), "x")
    at = random.randrange(len(region.spans))
    span = region.spans[at]
    name = random.choice(("low end", "high end", "open or closed", "direction"))
    other = _other_span(span, name, random)
    return name, replace(region, spans=(*region.spans[:at], other, *region.spans[at + 1 :]))


def _other_span(span: Span, name: str, random: Random) -> Span:
    if span.low == span.high:
        return Span(span.low + 1, span.high + 1, True, True)
    if name == "open or closed":
        if not (span.low.is_finite or span.high.is_finite):
            return replace(span, high=Integer(random.randint(-5, 5)))
        low = span.low.is_finite and (not span.high.is_finite or random.random() < 0.5)
        return replace(span, closed_low=not span.closed_low) if low else replace(span, closed_high=not span.closed_high)
    if name == "direction" and span.low.is_finite != span.high.is_finite:
        return _turned(span)
    if span.low.is_finite and (name == "low end" or not span.high.is_finite):
        return replace(span, low=span.low - random.randint(1, 3))
    if not span.high.is_finite:
        return replace(span, high=Integer(random.randint(-5, 5)))
    return replace(span, high=span.high + random.randint(1, 3))


def _turned(span: Span) -> Span:
    """The other ray from the same end."""
    if span.low.is_finite:
        return Span(-sympy.oo, span.low, False, span.closed_low)
    return Span(span.high, sympy.oo, span.closed_high, False)
