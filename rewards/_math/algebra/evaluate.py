"""The value of an expression at a point, in floats or in as many digits as mpmath is set to.

Covered: every function that `parse` reads, complex values included. Sizes are looked at before anything is computed: an
exponent, a factorial or a binomial that would be huge raises Unread.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Mapping
from fractions import Fraction
from types import ModuleType
from typing import Any

from rewards._math.algebra.tree import Num, Op, Sym, Tree, Unread

MAX_POWER = 10_000.0  # of the magnitude of an exponent
MAX_ARGUMENT = 1000.0  # of a factorial or a binomial

RECIPROCAL = {"cot": "tan", "sec": "cos", "csc": "sin"}
_INVERSE = {f"arc{name}": f"a{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")}


def evaluate(tree: Tree, point: Mapping[str, Fraction], lib: ModuleType | Any) -> Any:
    """The value of an expression at a point, in the numbers of `lib`: cmath, or what `library` gives."""
    if isinstance(tree, Num):
        return _number(tree.value, lib)
    if isinstance(tree, Sym):
        return _symbol(tree.name, point, lib)
    values = [evaluate(a, point, lib) for a in tree.args]
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
    if name in RECIPROCAL:
        return 1 / getattr(lib, RECIPROCAL[name])(values[0])
    if name == "ln":
        return lib.log(values[0])
    if name in ("!", "binom") and lib is not cmath:
        return lib.factorial(values[0]) if name == "!" else lib.binomial(*values)
    if name in ("!", "binom"):
        raise ValueError(f"floats have no {name}")
    if name in ("sum", "prod"):
        raise Unread(f"{name} over an index")
    if name in ("floor", "ceil"):
        raise Unread(f"{name} of something else than a rational number")
    found = getattr(lib, _INVERSE.get(name, name), None)
    if found is None:
        raise Unread(f"no value for {name}")
    return found(values[0])


def library() -> Any:
    """mpmath's context; it comes with sympy."""
    try:
        import mpmath
    except ImportError as error:
        raise ValueError("the math rule needs the extra `math` for this answer: pip install 'r1lite[math]'") from error
    return mpmath.mp
