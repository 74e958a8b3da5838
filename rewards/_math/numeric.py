"""Values of expressions at fixed points: in floats to tell different ones apart, in 80 digits to confirm equal ones.

Covered: every function that `parse` reads, complex values included. Sizes are looked at before anything is computed: an
exponent, a factorial or a binomial that would be huge raises Unread. Agreement to 60 digits at several points, negative
ones among them, is taken as equality; it is no proof, and no false agreement is known.
"""

from __future__ import annotations

import cmath
import math
import zlib
from collections.abc import Mapping
from fractions import Fraction
from types import ModuleType
from typing import Any

from rewards._math.tree import Num, Op, Sym, Tree, Unread, symbols

DIGITS = 80
MAX_POWER = 10_000.0  # of the magnitude of an exponent
MAX_ARGUMENT = 1000.0  # of a factorial or a binomial
POINTS = 4
CLOSE, EQUAL = 1e-6, 60
SMALL = 1e-9  # a number below it is compared as if it were that large, so that the cosine of a right angle is 0

_RECIPROCAL = {"cot": "tan", "sec": "cos", "csc": "sin"}
POLES = frozenset({"tan", *_RECIPROCAL})
_INVERSE = {f"arc{name}": f"a{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")}


def differ(a: Tree, b: Tree) -> bool:
    """Whether two expressions are plainly different numbers at some point, in floats. False also where floats cannot tell."""
    names = sorted(symbols(a) | symbols(b))
    for round_ in range(POINTS if names else 1):
        try:
            x, y = _value(a, _point(names, round_), cmath), _value(b, _point(names, round_), cmath)
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
                x, y = _value(a, _point(names, round_), mp), _value(b, _point(names, round_), mp)
            except (OverflowError, ZeroDivisionError, ValueError):
                return False
            if not (mp.isfinite(x) and mp.isfinite(y)) or not abs(x - y) <= max(abs(x), abs(y), SMALL) * mp.mpf(10) ** -EQUAL:
                return False
    return True


def near(gold: Tree, given: Tree, tolerance: float) -> bool:
    """Whether two numbers are within a relative tolerance of the gold one."""
    try:
        x, y = _value(gold, {}, cmath), _value(given, {}, cmath)
    except (OverflowError, ZeroDivisionError, ValueError):
        return False
    return abs(x - y) <= tolerance * abs(x)


def pole(tree: Op) -> bool:
    """Whether a function in POLES is applied to a number at which it has no value, as in the tangent of a right angle."""
    if symbols(tree):
        return False
    try:
        return abs(_value(tree, {}, cmath)) > 1 / CLOSE**2
    except ZeroDivisionError:
        return True
    except (OverflowError, ValueError, Unread):
        return False


def real(tree: Tree) -> float:
    """A constant as a float, for putting numbers in order."""
    try:
        value = _value(tree, {}, cmath)
    except (OverflowError, ZeroDivisionError, ValueError) as error:  # floats have no factorial, and no logarithm of 0
        raise Unread("not a number that can be put in order") from error
    if abs(value.imag) > CLOSE * max(abs(value), 1.0):
        raise Unread("not a real number")
    return value.real


def library() -> Any:
    """mpmath's context; it comes with sympy."""
    try:
        import mpmath
    except ImportError as error:
        raise ValueError("the math rule needs the extra `math` for this answer: pip install 'r1lite[math]'") from error
    return mpmath.mp


def _point(names: list[str], round_: int) -> Mapping[str, Fraction]:
    """A value for every variable, the same for a name in every run; the last rounds hold negative ones."""
    sign = -1 if round_ >= POINTS // 2 else 1
    return {n: sign * Fraction(zlib.crc32(f"{n}/{round_}".encode()) % 9973 + 3001, 7919) for n in names}


def _value(tree: Tree, point: Mapping[str, Fraction], lib: ModuleType | Any) -> Any:
    if isinstance(tree, Num):
        return _number(tree.value, lib)
    if isinstance(tree, Sym):
        return _symbol(tree.name, point, lib)
    values = [_value(a, point, lib) for a in tree.args]
    match tree.name:
        case "+":
            return sum(values[1:], values[0])
        case "*":
            return math.prod(values[1:], start=values[0])
        case "/":
            return values[0] / values[1]
        case "^":
            return _power(values[0], values[1], lib)
        case "root":
            return _root(values[0], values[1], lib)
        case "abs":
            return abs(values[0]) + _number(Fraction(0), lib)
    return _function(tree, values, lib)


def _number(value: Fraction, lib: Any) -> Any:
    return complex(float(value)) if lib is cmath else lib.mpf(value.numerator) / value.denominator


def _symbol(name: str, point: Mapping[str, Fraction], lib: Any) -> Any:
    if name in ("pi", "e"):
        return +getattr(lib, name) + _number(Fraction(0), lib)
    if name == "i":
        return 1j if lib is cmath else lib.mpc(0, 1)
    if name not in point:
        raise Unread(f"{name} has no value")
    return _number(point[name], lib)


def _power(base: Any, exponent: Any, lib: Any) -> Any:
    if abs(exponent) > MAX_POWER:
        raise Unread("an exponent too large to evaluate")
    if not base and not exponent:
        raise Unread("zero to the power of zero")
    return base**exponent


def _root(base: Any, order: Any, lib: Any) -> Any:
    """The real root of a negative number where the order is odd, else the principal one."""
    odd = order.imag == 0 and order.real == int(order.real) and int(order.real) % 2
    if odd and base.imag == 0 and base.real < 0:
        return -((-base) ** (1 / order))
    return base ** (1 / order)


def _function(tree: Op, values: list[Any], lib: Any) -> Any:
    name = tree.name
    if any(abs(v) > MAX_ARGUMENT for v in values) and name not in ("ln", "floor", "ceil"):
        raise Unread(f"{name} of a number too large to evaluate")
    if name in _RECIPROCAL:
        return 1 / getattr(lib, _RECIPROCAL[name])(values[0])
    if name == "ln":
        return lib.log(values[0])
    if name in ("!", "binom") and lib is not cmath:
        return lib.factorial(values[0]) if name == "!" else lib.binomial(*values)
    if name in ("!", "binom"):
        raise ValueError(f"floats have no {name}")
    if name in ("floor", "ceil"):
        raise Unread(f"{name} of something else than a rational number")
    found = getattr(lib, _INVERSE.get(name, name), None)
    if found is None:
        raise Unread(f"no value for {name}")
    return found(values[0])
