"""Random meanings of every kind of answer."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import sympy
from sympy import Integer, Rational, Symbol, oo, pi, sqrt

from bench.math_laws.meanings import UNITS, Equation, Expr, Grid, Meaning, Quantity, Region, Several, Span, Word

ENGLISH = (
    "even odd yes no true false red blue green Alice Bob Carol Monday Friday Sunday convergent divergent rational irrational ellipse "
    "parabola hyperbola increasing decreasing isosceles equilateral scalene"
).split()
CHINESE = "偶数 奇数 正确 错误 小明 小红 星期一 星期三 椭圆 抛物线 双曲线 等腰三角形 增函数 减函数 红色 蓝色".split()
LETTERS = "x y a b n k t m".split()


def integer(random: Random) -> Expr:
    return Integer(random.choice((1, 1, 1, -1)) * random.randrange(10 ** random.choice((1, 2, 3, 4, 5, 7))))


def decimal(random: Random) -> Expr:
    digits = random.choice((1, 1, 2, 3, 4))
    return Rational(random.choice((1, 1, -1)) * random.randrange(1, 10 ** (digits + 2)), 10**digits)


def fraction(random: Random) -> Expr:
    return Rational(
        random.choice((1, 1, -1)) * random.randrange(1, random.choice((9, 60, 999))), random.randrange(2, random.choice((10, 120)))
    )


def radical(random: Random) -> Expr:
    root = sqrt(random.choice((2, 3, 5, 6, 7, 10, 11, 13, 30)))
    a, b, c = _small(random), _small(random), random.randint(2, 9)
    return random.choice(
        (b * root, root / c, a + b * root, (a + b * root) / c, b * sympy.cbrt(random.choice((2, 3, 4, 5))), sqrt(a**2 + c))
    )


def constant(random: Random) -> Expr:
    a, b = fraction(random) if random.random() < 0.4 else _small(random), _small(random)
    n = random.randint(2, 9)
    return random.choice((a * pi, a * pi + b, a * sympy.E, sympy.log(n), a * sympy.log(n) + b, pi**2 / n, sympy.exp(a), a - sqrt(n) * pi))


def polynomial(random: Random) -> Expr:
    x, y = _letters(random)
    if random.random() < 0.4:
        return sympy.Mul(*(_small(random) * x + _small(random) for _ in range(random.choice((2, 2, 3)))))
    degree = random.choice((1, 2, 2, 3, 4))
    terms = [_small(random) * x**i for i in range(degree + 1) if random.random() < 0.8]
    return sympy.Add(*terms, _small(random) * random.choice((x, y, x * y, y**2)))


def expression(random: Random) -> Expr:
    x, y = _letters(random)
    a, b, n = _small(random), _small(random), random.randint(2, 6)
    return random.choice(
        (
            (x + a) / (y + b), a * x**n / y, sqrt(x**2 + n), a * sqrt(x) + b, sympy.sin(n * x) + a, a * sympy.cos(x) ** 2 + b,
            sympy.exp(a * x) + b, x * sympy.log(x) + a, (x**2 - a**2) / (x + b), x ** (n + y), 1 / (x**2 + n), a * x * y / (x + y),
            x ** Rational(1, n), n**x - a, sympy.tan(x) + a * x, x * (x + 1) / 2, x * (x + 1) * (2 * x + 1) / 6, pi * x**2 * y / 3,
        )
    )  # fmt: skip


def interval(random: Random) -> Meaning:
    return _region(random, "")


def inequality(random: Random) -> Meaning:
    return _region(random, random.choice(("x", "x", "a", "t")))


def tuples(random: Random) -> Meaning:
    return Several(tuple(_item(random) for _ in range(random.choice((2, 2, 2, 3, 4)))), "tuple")


def sets(random: Random) -> Meaning:
    return Several(_distinct(random), "set")


def lists(random: Random) -> Meaning:
    return Several(_distinct(random), "list")


def matrix(random: Random) -> Meaning:
    rows, columns = random.choice(((2, 2), (2, 2), (3, 3), (2, 3), (3, 1), (2, 1)))
    return Grid(tuple(tuple(_item(random) for _ in range(columns)) for _ in range(rows)))


def equation(random: Random) -> Meaning:
    x, y = Symbol("x"), Symbol("y")
    a, b, c = _small(random), _small(random), _small(random)
    left, right = random.choice(
        ((y, a * x + b), (a * x + b * y, c), (x**2 + y**2, Integer(c * c)), (y, a * x**2 + b * x + c), (y**2, 4 * abs(a) * x),
         ((x - a) ** 2 + (y - b) ** 2, Integer(c * c)), (x**2 / a**2 + y**2 / b**2, Integer(1)), (a * x + b * y + c, Integer(0)))
    )  # fmt: skip
    return Equation(left, right)


def quantity(random: Random) -> Meaning:
    number = abs(random.choice((integer, integer, decimal))(random)) + 1
    return Quantity(number, random.choice([unit for unit in UNITS if unit != "%"]))


def percent(random: Random) -> Meaning:
    return Quantity(abs(random.choice((integer, decimal))(random)) % 1000 + 1, "%")


def word(random: Random) -> Meaning:
    return Word(random.choice(ENGLISH))


def choice(random: Random) -> Meaning:
    return Word(random.choice("ABCD"), choice=True)


def chinese(random: Random) -> Meaning:
    return Word(random.choice(CHINESE))


def _small(random: Random) -> Expr:
    return Integer(random.choice([n for n in range(-9, 10) if n]))


def _letters(random: Random) -> list[Expr]:
    return [Symbol(c) for c in random.sample(LETTERS, 2)]


def _item(random: Random) -> Expr:
    return random.choice((_small, _small, fraction, radical))(random)


def _distinct(random: Random) -> tuple[Expr, ...]:
    return tuple(dict.fromkeys(_item(random) for _ in range(random.choice((2, 2, 3, 4)))))


def _region(random: Random, variable: str) -> Region:
    ends = sorted({random.choice((_small, _small, _small, fraction))(random) for _ in range(4)})
    closed = [random.random() < 0.5 for _ in range(4)]
    if random.random() < 0.25 and len(ends) > 1:
        return Region((Span(-oo, ends[0], False, closed[0]), Span(ends[1], oo, closed[1], False)), variable)
    if random.random() < 0.4 or len(ends) < 2:
        ray = Span(ends[0], oo, closed[0], False) if random.random() < 0.5 else Span(-oo, ends[0], False, closed[0])
        return Region((ray,), variable)
    return Region((Span(ends[0], ends[1], closed[0], closed[1]),), variable)


KINDS: dict[str, Callable[[Random], Meaning]] = {
    "integer": integer, "decimal": decimal, "fraction": fraction, "radical": radical, "constant": constant, "polynomial": polynomial,
    "expression": expression, "interval": interval, "inequality": inequality, "tuple": tuples, "set": sets, "list": lists,
    "matrix": matrix, "equation": equation, "unit": quantity, "percent": percent, "word": word, "choice": choice, "chinese": chinese,
}  # fmt: skip
