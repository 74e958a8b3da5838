"""The functions that expressions name, under all their names, and what applying one comes to.

Covered: bases of logarithms, powers between a name and its argument (`\\sin^2 x`), `\\sin^{-1}` as the inverse function.
"""

from __future__ import annotations

from rewards._math.algebra.tree import EULER, MINUS_ONE, Op, Tree, number

FUNCTIONS = frozenset(
    "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh ln log lg exp".split()
    + "asin acos atan arccot arcsec arccsc".split()
    + "floor ceil abs".split()
    + "arcsinh arccosh arctanh arsinh arcosh artanh asinh acosh atanh".split()
)
_SAME = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "log": "ln"}
_SAME |= {f"{a}{name}": f"arc{name}" for name in ("sinh", "cosh", "tanh") for a in ("ar", "a")}


def applied(name: str, argument: Tree, base: Tree | None = None, power: Tree | None = None) -> Tree:
    """A function of an argument, with the base and the power that stood between them."""
    tree = _applied(_SAME.get(name, name), argument, base)
    if power == MINUS_ONE and f"arc{name}" in FUNCTIONS:
        return Op(f"arc{name}", tree.args) if isinstance(tree, Op) else tree
    return tree if power is None else Op("^", (tree, power))


def _applied(name: str, argument: Tree, base: Tree | None) -> Tree:
    if name == "exp":
        return Op("^", (EULER, argument))
    if name == "lg":
        base, name = number(10), "ln"
    tree = Op(name, (argument,))
    return Op("/", (tree, Op("ln", (base,)))) if base is not None and name == "ln" else tree
