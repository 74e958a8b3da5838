"""Random meanings of every kind of answer."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from random import Random

from sympy import Integer, Rational, Symbol, exp, oo, sin, sqrt

from bench.math_laws.meanings import UNITS, Based, Equation, Expr, Grid, Meaning, Quantity, Region, Several, Span, Word
from bench.math_laws.values import (
    complex_number,
    constant,
    decimal,
    expression,
    fraction,
    integer,
    polynomial,
    power,
    radical,
    scientific,
    small,
)  # fmt: skip

ENGLISH = (
    *"even odd yes no true false red blue green Alice Bob Carol Monday Friday Sunday convergent divergent rational".split(),
    *"irrational ellipse parabola hyperbola increasing decreasing clockwise equilateral scalene".split(),
    *("isosceles triangle", "right triangle", "no solution", "Team A", "the second box", "two red balls", "New York"),
)
CHINESE = "偶数 奇数 正确 错误 小明 小红 星期一 星期三 椭圆 抛物线 双曲线 等腰三角形 增函数 减函数 红色 蓝色".split()


def interval(random: Random) -> Meaning:
    return _region(random, "")


def inequality(random: Random) -> Meaning:
    return _region(random, random.choice(("x", "x", "a", "t")))


def domain(random: Random) -> Meaning:
    """All numbers, none, or all but one or two."""
    gaps = sorted({small(random) for _ in range(random.choice((0, 1, 1, 2)))})
    if not gaps and random.random() < 0.5:
        return Region((), "")
    ends = [-oo, *gaps, oo]
    return Region(tuple(Span(low, high, False, False) for low, high in pairwise(ends)), random.choice(("", "x")))


def tuples(random: Random) -> Meaning:
    return Several(tuple(_item(random) for _ in range(random.choice((2, 2, 2, 3, 4)))), "tuple")


def vector(random: Random) -> Meaning:
    return Several(tuple(_item(random) for _ in range(random.choice((2, 3, 3, 4)))), "vector")


def ratio(random: Random) -> Meaning:
    """None that could be a time of day as well."""
    last = random.choice((random.randint(1, 9), random.randint(60, 99)))
    return Several((*(Integer(random.randint(1, 40)) for _ in range(random.choice((1, 1, 2)))), Integer(last)), "ratio")


def sets(random: Random) -> Meaning:
    return Several(_distinct(random), "set")


def lists(random: Random) -> Meaning:
    return Several(_distinct(random), "list")


def points(random: Random) -> Meaning:
    coordinate = random.choice((small, small, fraction))
    pairs = [Several((coordinate(random), coordinate(random)), "tuple") for _ in range(random.choice((2, 2, 3)))]
    return Several(tuple(dict.fromkeys(pairs)), random.choice(("list", "set")))


def function(random: Random) -> Meaning:
    """A function of x with its name."""
    x, a, b, n = Symbol("x"), small(random), small(random), random.randint(2, 5)
    right = random.choice((a * x + b, a * x**2 + b * x, x**n + a, a / (x + b), sqrt(x + n), a * exp(b * x), sin(n * x) + a))
    return Equation(Symbol(random.choice(("f(x)", "f(x)", "g(x)"))), right)


def plus_minus(random: Random) -> Meaning:
    middle, half = random.choice((small, fraction, radical))(random), random.choice((small, fraction, radical))(random)
    return Several((middle + half, middle - half) if random.random() < 0.7 else (half, -half), random.choice(("list", "list", "set")))


def matrix(random: Random) -> Meaning:
    rows, columns = random.choice(((2, 2), (2, 2), (3, 3), (2, 3), (3, 1), (2, 1)))
    return Grid(tuple(tuple(_item(random) for _ in range(columns)) for _ in range(rows)))


def equation(random: Random) -> Meaning:
    x, y = Symbol("x"), Symbol("y")
    a, b, c = small(random), small(random), small(random)
    left, right = random.choice(
        ((y, a * x + b), (a * x + b * y, c), (x**2 + y**2, Integer(c * c)), (y, a * x**2 + b * x + c), (y**2, 4 * abs(a) * x),
         ((x - a) ** 2 + (y - b) ** 2, Integer(c * c)), (x**2 / a**2 + y**2 / b**2, Integer(1)), (a * x + b * y + c, Integer(0)))
    )  # fmt: skip
    return Equation(left, right)


def quantity(random: Random) -> Meaning:
    number = abs(random.choice((integer, integer, decimal))(random)) + 1
    return Quantity(number, random.choice([unit for unit in UNITS if unit != "%"]))


def money(random: Random) -> Meaning:
    cents = random.choice((Integer(0), Rational(random.randrange(100), 100)))
    return Quantity(random.randrange(1, 10 ** random.choice((2, 3, 4, 6))) + cents, random.choice(("usd", "usd", "eur")))


def percent(random: Random) -> Meaning:
    return Quantity(abs(random.choice((integer, decimal))(random)) % 1000 + 1, "%")


def base(random: Random) -> Meaning:
    return Based(random.randint(2, 5000), random.choice((2, 2, 3, 5, 7, 8, 16)))


def word(random: Random) -> Meaning:
    return Word(random.choice(ENGLISH))


def choice(random: Random) -> Meaning:
    return Word(random.choice("ABCD"), choice=True)


def chinese(random: Random) -> Meaning:
    return Word(random.choice(CHINESE))


def _item(random: Random) -> Expr:
    if random.random() < 0.05:
        return small(random) * Symbol("t") + random.randint(0, 3)
    return random.choice((small, small, fraction, radical))(random)


def _distinct(random: Random) -> tuple[Expr, ...]:
    return tuple(dict.fromkeys(_item(random) for _ in range(random.choice((2, 2, 3, 4)))))


def _region(random: Random, variable: str) -> Region:
    ends = sorted({random.choice((small, small, small, fraction))(random) for _ in range(4)})
    if random.random() < 0.1:
        ends = [-sqrt(random.choice((2, 3, 5))), sqrt(random.choice((2, 3, 7)))]
    closed = [random.random() < 0.5 for _ in range(4)]
    if random.random() < 0.25 and len(ends) > 1:
        return Region((Span(-oo, ends[0], False, closed[0]), Span(ends[1], oo, closed[1], False)), variable)
    if random.random() < 0.08 and len(ends) > 2:
        return Region((Span(ends[0], ends[0], True, True), Span(ends[1], ends[2], *closed[:2])), variable)
    if random.random() < 0.4 or len(ends) < 2:
        ray = Span(ends[0], oo, closed[0], False) if random.random() < 0.5 else Span(-oo, ends[0], False, closed[0])
        return Region((ray,), variable)
    return Region((Span(ends[0], ends[1], closed[0], closed[1]),), variable)


KINDS: dict[str, Callable[[Random], Meaning]] = {
    "integer": integer, "decimal": decimal, "scientific": scientific, "fraction": fraction, "radical": radical, "constant": constant,
    "power": power, "complex": complex_number, "polynomial": polynomial, "expression": expression, "interval": interval,
    "inequality": inequality, "domain": domain, "tuple": tuples, "vector": vector, "ratio": ratio, "set": sets, "list": lists,
    "plus-minus": plus_minus, "points": points, "function": function, "matrix": matrix, "equation": equation, "unit": quantity,
    "money": money, "percent": percent, "base": base, "word": word, "choice": choice, "chinese": chinese,
}  # fmt: skip
