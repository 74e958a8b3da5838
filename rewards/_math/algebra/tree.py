"""Expressions as small immutable trees, and the questions asked of them.

Covered: numbers, names, operators, functions; whether an expression is finished arithmetic. Not covered: anything that
binds a variable (sums, limits, integrals): such text is never made into a tree.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

MAX_TOKENS = 400
MAX_DEPTH = 32
MAX_DIGITS = 1000  # of one number as written; below the limit at which int() itself refuses

CONSTANTS = frozenset({"pi", "e", "i", "oo"})


class Unread(ValueError):
    """The text is not an expression that this package reads, or one that is too large to be looked into."""


class Undefined(Unread):
    """The expression has no value, as in 0/0 and the logarithm of 0: it equals nothing."""


@dataclass(frozen=True, slots=True)
class Num:
    """An exact number, as written: a decimal is the fraction that it says."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Sym:
    """A variable, or one of CONSTANTS."""

    name: str


@dataclass(frozen=True, slots=True)
class Op:
    """An operator or a function, and what it is applied to."""

    name: str
    args: tuple[Tree, ...]


Tree = Num | Sym | Op

PI, EULER, INFINITY = Sym("pi"), Sym("e"), Sym("oo")
MINUS_ONE = Num(Fraction(-1))


def number(value: int | Fraction) -> Num:
    return Num(Fraction(value))


def negative(tree: Tree) -> Tree:
    """The tree with its sign turned, kept as plain as it was."""
    if isinstance(tree, Num):
        return Num(-tree.value)
    if isinstance(tree, Op) and tree.name == "/":
        return Op("/", (negative(tree.args[0]), tree.args[1]))
    return times(MINUS_ONE, tree)


def times(*factors: Tree) -> Tree:
    return factors[0] if len(factors) == 1 else Op("*", factors)


def symbols(tree: Tree) -> frozenset[str]:
    """The variables of an expression, constants left out."""
    if isinstance(tree, Sym):
        return frozenset() if tree.name in CONSTANTS else frozenset({tree.name})
    if isinstance(tree, Op):
        return frozenset().union(*(symbols(a) for a in tree.args))
    return frozenset()


def infinite(tree: Tree) -> int:
    """1 or -1 for plus or minus infinity, else 0."""
    if tree == INFINITY:
        return 1
    return -1 if tree == Op("*", (MINUS_ONE, INFINITY)) else 0


def indeterminate(tree: Tree) -> bool:
    """Whether infinity is computed with, as in `\\infty - \\infty`; infinity alone is an answer."""
    return not infinite(tree) and _mentions(tree, INFINITY)


def _mentions(tree: Tree, name: Sym) -> bool:
    return tree == name or (isinstance(tree, Op) and any(_mentions(a, name) for a in tree.args))


def literal(tree: Tree) -> bool:
    """A rational number written down: `3`, `0.5`, `1/2`."""
    if isinstance(tree, Op) and tree.name == "/":
        return all(isinstance(a, Num) for a in tree.args)
    return isinstance(tree, Num)


def finished(tree: Tree) -> bool:
    """Whether no plain arithmetic is left to do: no `5+6`, no `3*4`, while `2^10` and `1+sqrt(2)` are closed forms."""
    if not isinstance(tree, Op):
        return True
    if tree.name in ("+", "*"):
        # A factor of -1 is only a sign.
        plain = [a for a in tree.args if (literal(a) or _small_power(a)) and (tree.name == "+" or a != MINUS_ONE)]
        if len(plain) > 1:
            return False
    if tree.name == "/" and any(isinstance(a, Op) and literal(a) for a in tree.args):
        return False
    return all(finished(a) for a in tree.args)


def _small_power(tree: Tree) -> bool:
    """One that is worked out in the head: `2^3`, `17^1`."""
    if not isinstance(tree, Op) or tree.name != "^" or not all(isinstance(a, Num) for a in tree.args):
        return False
    base, exponent = (a.value for a in tree.args if isinstance(a, Num))
    return exponent.denominator == 1 and abs(exponent) < 10 and (not base or abs(base) ** abs(exponent) < 1000)
