"""Random numbers and expressions."""

from __future__ import annotations

from random import Random

import sympy
from sympy import Abs, I, Integer, Rational, Symbol, binomial, factorial, pi, sqrt

from bench.math_laws.meanings import Expr

LETTERS = ["x", "y", "a", "b", "n", "k", "t", "m", "theta", "alpha", "lambda", "x_1", "a_2"]


def integer(random: Random) -> Expr:
    return Integer(random.choice((1, 1, 1, -1)) * random.randrange(10 ** random.choice((1, 2, 3, 4, 5, 7))))


def decimal(random: Random) -> Expr:
    digits = random.choice((1, 1, 2, 3, 4))
    return Rational(random.choice((1, 1, -1)) * random.randrange(1, 10 ** (digits + 2)), 10**digits)


def scientific(random: Random) -> Expr:
    """A number of few digits, very large or very small."""
    digits = random.choice((1, -1)) * random.randrange(1, 10 ** random.choice((1, 2, 3)))
    return digits * Integer(10) ** random.choice((-6, -5, -4, 4, 6, 9))


def fraction(random: Random) -> Expr:
    top, bottom = random.choice((9, 60, 999)), random.choice((10, 120))
    return Rational(random.choice((1, 1, -1)) * random.randrange(1, top), random.randrange(2, bottom))


def radical(random: Random) -> Expr:
    root = sqrt(random.choice((2, 3, 5, 6, 7, 10, 11, 13, 30)))
    a, b, c = small(random), small(random), random.randint(2, 9)
    cube = sympy.cbrt(random.choice((2, 3, 4, 5)))
    return random.choice((b * root, root / c, a + b * root, (a + b * root) / c, b * cube, sqrt(a**2 + c), sqrt(abs(a) + root)))


def constant(random: Random) -> Expr:
    a, b = fraction(random) if random.random() < 0.4 else small(random), small(random)
    n = random.randint(2, 9)
    return random.choice(
        (a * pi, a * pi + b, a * sympy.E, sympy.log(n), a * sympy.log(n) + b, pi**2 / n, sympy.exp(a), a - sqrt(n) * pi,
         sympy.log(random.randint(3, 30), random.choice((2, 3, 5, 10))))
    )  # fmt: skip


def power(random: Random) -> Expr:
    """A power, a factorial or a binomial coefficient, not computed."""
    n, k = random.randint(3, 12), random.randint(2, 12)
    if random.random() < 0.2:
        return factorial(n, evaluate=False)
    if random.random() < 0.2:
        return binomial(n, min(k, n - 1), evaluate=False)
    return sympy.Pow(n, k, evaluate=False)


def complex_number(random: Random) -> Expr:
    real, imaginary = (random.choice((small, small, fraction, radical))(random) for _ in range(2))
    return random.choice((real + imaginary * I, real + imaginary * I, imaginary * I))


def polynomial(random: Random) -> Expr:
    x, y = _letters(random)
    if random.random() < 0.4:
        return sympy.Mul(*(small(random) * x + small(random) for _ in range(random.choice((2, 2, 3)))))
    degree = random.choice((1, 2, 2, 3, 4))
    terms = [small(random) * x**i for i in range(degree + 1) if random.random() < 0.8]
    return sympy.Add(*terms, small(random) * random.choice((x, y, x * y, y**2)))


def expression(random: Random) -> Expr:
    x, y = _letters(random)
    a, b, n = small(random), small(random), random.randint(2, 6)
    return random.choice(
        (
            (x + a) / (y + b), a * x**n / y, sqrt(x**2 + n), a * sqrt(x) + b, sympy.sin(n * x) + a, a * sympy.cos(x) ** 2 + b,
            sympy.exp(a * x) + b, x * sympy.log(x) + a, (x**2 - a**2) / (x + b), x ** (n + y), 1 / (x**2 + n), a * x * y / (x + y),
            x ** Rational(1, n), n**x - a, sympy.tan(x) + a * x, x * (x + 1) / 2, x * (x + 1) * (2 * x + 1) / 6, pi * x**2 * y / 3,
            Abs(x + a) + b, sqrt(x + sqrt(y)), 1 / (1 + 1 / x), x / (a + y / b), sympy.log(x + n) / n, sympy.sin(x) * sympy.cos(y),
            (x**n - 1) / (x - 1), sqrt(x * y) / (x - a), sympy.exp(-(x**2) / n), (x + y) ** n, factorial(x) / n, x - y + a,
        )
    )  # fmt: skip


def small(random: Random) -> Expr:
    return Integer(random.choice([n for n in range(-9, 10) if n]))


def _letters(random: Random) -> list[Expr]:
    return [Symbol(c) for c in random.sample(LETTERS, 2)]
