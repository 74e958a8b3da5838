"""A canonical form that decides equality exactly: a quotient of sums of monomials over variables and prime roots.

Covered: rational functions, radicals of positive integers, pi, e, i, factorials, binomials, floors of numbers; two quotients
are compared by multiplying across. Anything else (a sine, a symbolic exponent, the root of a sum) becomes an opaque atom: then
equal forms prove equality, but different forms prove nothing. What would pass a cap on sizes raises Unread before it is computed.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import reduce
from typing import NamedTuple

from rewards._math.algebra.monomials import MAX_BITS, ONE, Poly, capped, fixed, join, power, primes, product, put
from rewards._math.algebra.numeric import POLES, pole
from rewards._math.algebra.tree import Num, Op, Sym, Tree, Undefined, Unread

MAX_FACTORIAL = 2000
MAX_KEY = 2000


class Quotient(NamedTuple):
    """top / bottom. `whole` says that no atom is opaque, so that a different form is a different value."""

    top: Poly
    bottom: Poly
    whole: bool


def quotient(tree: Tree) -> Quotient:
    """The canonical form of a tree."""
    if isinstance(tree, Num):
        return Quotient(fixed(tree.value), ONE, True)
    if isinstance(tree, Sym):
        return Quotient({((tree.name, Fraction(1)),): Fraction(1)}, ONE, tree.name != "oo")
    match tree.name:
        case "+":
            return reduce(_add, map(quotient, tree.args))
        case "*":
            return reduce(_multiply, map(quotient, tree.args))
        case "/":
            return _multiply(quotient(tree.args[0]), _raise(quotient(tree.args[1]), -1))
        case "^":
            return _raised(tree)
        case "root":
            return _rooted(tree)
    forms = [quotient(a) for a in tree.args]
    if (tree.name == "ln" and not forms[0].top) or (tree.name in POLES and pole(tree)):
        raise Undefined(f"{tree.name} where it has no value")
    known = _integer_function(tree.name, forms)
    return _opaque(tree.name, *forms) if known is None else Quotient(fixed(known), ONE, True)


def same(a: Quotient, b: Quotient) -> bool:
    """Whether two quotients are equal, multiplied across."""
    return product(a.top, b.bottom) == product(b.top, a.bottom)


def constant(form: Quotient) -> Fraction | None:
    """The rational number that a form is, where it is one."""
    if set(form.top) <= {()} and set(form.bottom) == {()}:
        return form.top.get((), Fraction(0)) / form.bottom[()]
    return None


def _add(a: Quotient, b: Quotient) -> Quotient:
    if a.bottom == b.bottom:
        left, right, bottom = a.top, b.top, a.bottom
    else:
        left, right, bottom = product(a.top, b.bottom), product(b.top, a.bottom), product(a.bottom, b.bottom)
    total = dict(left)
    for mono, value in right.items():
        put(total, mono, value)
    return Quotient(capped(total), bottom, a.whole and b.whole)


def _multiply(a: Quotient, b: Quotient) -> Quotient:
    return Quotient(product(a.top, b.top), product(a.bottom, b.bottom), a.whole and b.whole)


def _raised(tree: Op) -> Quotient:
    base, over = quotient(tree.args[0]), quotient(tree.args[1])
    exponent = constant(over)
    if not base.top and (exponent is None or exponent <= 0):
        raise Undefined("a power of zero that may have no value")
    if exponent is None or abs(exponent) > MAX_BITS:
        return _opaque("^", base, over)
    if exponent.denominator == 1:
        return _raise(base, int(exponent))
    return _root(base, exponent)


def _rooted(tree: Op) -> Quotient:
    base, over = quotient(tree.args[0]), quotient(tree.args[1])
    order = constant(over)
    if order is None or order.denominator != 1 or not 2 <= order <= 100:
        return _opaque("root", base, over)
    value = constant(base)
    if value is not None and value < 0 and order % 2:
        minus = _root(Quotient(fixed(-value), ONE, True), 1 / order)
        return Quotient({m: -c for m, c in minus.top.items()}, minus.bottom, minus.whole)
    return _root(base, 1 / order)


def _raise(base: Quotient, exponent: int) -> Quotient:
    """A whole power. Of one term at most MAX_BITS long, of a sum at most the MAX_SUM_EXPONENTth."""
    if exponent < 0:
        if not base.top:
            raise Undefined("division by zero")
        base, exponent = Quotient(base.bottom, base.top, base.whole), -exponent
    if not exponent and not base.top:
        raise Undefined("zero to the power of zero")
    return Quotient(power(base.top, exponent), power(base.bottom, exponent), base.whole)


def _root(base: Quotient, exponent: Fraction) -> Quotient:
    """A broken power of a positive number or of plain variables; anything else stays opaque."""
    if not base.top:
        return base
    opaque = _opaque("^", base, Quotient(fixed(exponent), ONE, True))
    if len(base.top) != 1 or len(base.bottom) != 1 or abs(exponent) > 1000:
        return opaque
    ((top, upper),), ((bottom, lower),) = base.top.items(), base.bottom.items()
    value = upper / lower
    # sqrt(x^2) is |x|, so only first powers of variables are taken apart; i and primes never are.
    if any(e != 1 or a in ("i", "oo") or a[0] in "#@" for a, e in (*top, *bottom)):
        return opaque
    roots = primes(abs(value))
    if roots is None or (value < 0 and exponent.denominator != 2):
        return opaque
    whole, factor = join((), tuple((f"#{p}", e * exponent) for p, e in roots.items()))
    if value < 0:
        whole, turn = join(whole, (("i", Fraction(exponent.numerator)),))
        factor *= turn
    letters = tuple((a, exponent) for a, _ in top), tuple((a, exponent) for a, _ in bottom)
    mono, more = join(whole, tuple(sorted(letters[0])))
    return Quotient({mono: factor * more}, {tuple(sorted(letters[1])): Fraction(1)}, base.whole)


def _integer_function(name: str, forms: list[Quotient]) -> Fraction | None:
    """The value of a function of rational numbers that has a rational value; None where it has none or it is not known."""
    values = [v for v in map(constant, forms) if v is not None]
    if len(values) < len(forms):
        return None
    if name in ("abs", "floor", "ceil"):
        return Fraction({"abs": abs, "floor": math.floor, "ceil": math.ceil}[name](values[0]))
    if name not in ("!", "binom") or any(v.denominator != 1 or v < 0 for v in values):
        return None
    if values[0] > MAX_FACTORIAL:
        raise Unread(f"{name} of a number above {MAX_FACTORIAL}")
    whole = [int(v) for v in values]
    return Fraction(math.factorial(whole[0]) if name == "!" else math.comb(whole[0], whole[1]))


def _opaque(name: str, *forms: Quotient) -> Quotient:
    """An atom that only equals itself, written by the canonical forms of what it is applied to."""
    inside = ";".join(map(_key, forms))
    if len(inside) > MAX_KEY:
        raise Unread("an argument too large to compare")
    return Quotient({((f"@{name}({inside})", Fraction(1)),): Fraction(1)}, ONE, False)


def _key(form: Quotient) -> str:
    return "/".join("+".join(f"{c}{[(a, str(e)) for a, e in m]}" for m, c in sorted(p.items())) for p in (form.top, form.bottom))
