"""Sums of monomials over variables and prime roots, and their products: the arithmetic under `polynomial`.

Covered: exact rational coefficients; whole powers of a prime root go into the coefficient, powers of i wrap around. Sizes
are capped before anything large is computed. Not covered: division, which is left to the quotients above.
"""

from __future__ import annotations

import math
from fractions import Fraction

from rewards._math.algebra.tree import Unread

MAX_TERMS = 150
MAX_BITS = 100_000
MAX_SUM_EXPONENT = 16
MAX_RADICAND = 10**12
MAX_PRIME = 10**4

Mono = tuple[tuple[str, Fraction], ...]
Poly = dict[Mono, Fraction]
ONE: Poly = {(): Fraction(1)}


def product(a: Poly, b: Poly) -> Poly:
    if len(a) * len(b) > MAX_TERMS**2 // 4:
        raise Unread(f"more than {MAX_TERMS} terms")
    total: Poly = {}
    for left, x in a.items():
        for right, y in b.items():
            mono, factor = join(left, right)
            put(total, mono, x * y * factor)
    return capped(total)


def fixed(value: Fraction) -> Poly:
    return {(): value} if value else {}


def put(total: Poly, mono: Mono, value: Fraction) -> None:
    value += total.get(mono, Fraction(0))
    if value:
        total[mono] = value
    else:
        total.pop(mono, None)


def capped(poly: Poly) -> Poly:
    if len(poly) > MAX_TERMS or any(max(c.numerator.bit_length(), c.denominator.bit_length()) > MAX_BITS for c in poly.values()):
        raise Unread("too large to expand")
    return poly


def join(a: Mono, b: Mono) -> tuple[Mono, Fraction]:
    """The product of two monomials: whole powers of a prime go into the coefficient, powers of i wrap around."""
    exponents = dict(a)
    for atom, exponent in b:
        exponents[atom] = exponents.get(atom, Fraction(0)) + exponent
    factor = Fraction(1)
    for atom, exponent in list(exponents.items()):
        whole = math.floor(exponent)
        if atom[0] == "#" and whole:
            factor *= Fraction(int(atom[1:])) ** whole
            exponents[atom] = exponent - whole
        elif atom == "i" and exponent.denominator == 1:
            factor *= -1 if whole % 4 > 1 else 1
            exponents[atom] = Fraction(whole % 2)
    return tuple(sorted((a, e) for a, e in exponents.items() if e)), factor


def power(poly: Poly, exponent: int) -> Poly:
    if len(poly) == 1:
        ((mono, value),) = poly.items()
        if max(value.numerator.bit_length(), value.denominator.bit_length(), 8 * len(mono)) * exponent > MAX_BITS and (
            mono or abs(value) != 1
        ):
            raise Unread("a power too large to compute")
        raised, factor = join((), tuple((a, e * exponent) for a, e in mono))
        return {raised: value**exponent * factor}
    if exponent > MAX_SUM_EXPONENT:
        raise Unread(f"a sum to the power of {exponent}")
    total = ONE
    for _ in range(exponent):
        total = product(total, poly)
    return total if poly or not exponent else {}


def primes(value: Fraction) -> dict[int, int] | None:
    """Prime exponents of a positive fraction; None where it is too large to factor by trial."""
    found: dict[int, int] = {}
    for part, sign in ((value.numerator, 1), (value.denominator, -1)):
        if part > MAX_RADICAND:
            return None
        divisor = 2
        while divisor * divisor <= part and divisor <= MAX_PRIME:
            while part % divisor == 0:
                found[divisor] = found.get(divisor, 0) + sign
                part //= divisor
            divisor += 1
        if part > MAX_PRIME**2:
            return None
        if part > 1:
            found[part] = found.get(part, 0) + sign
    return found
