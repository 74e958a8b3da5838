"""Sets that are described: `{x : x^2 = 4}`, `{x in Z : -1 <= x < 3}`.

Covered: a bar or a colon, a domain before or after it. Inequalities over the real numbers say the same as the set.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rewards._math.reading.families import listed
from rewards._math.reading.lex import Token
from rewards._math.reading.structures import Answer, Builder, Group, Relation

LOWEST = {"Z": None, "N": 0, "Z+": 1, "N+": 1, "N*": 1}  # the least number of each domain of whole numbers


def builder(inside: Sequence[Token], structure: Callable[[Sequence[Token]], Answer]) -> Answer | None:
    """The set that the tokens between braces describe; None where they list its elements."""
    bar = next((i for i, t in enumerate(inside) if t.value in ("|", ":")), 0)
    if not bar or bar == len(inside) - 1:
        return None
    values = [t.value for t in inside[:bar]]
    at = values.index(r"\in") if r"\in" in values else bar
    variable, domain = "".join(values[:at]), _domain(values[at + 1 :])
    if any(v in (",", ";") for v in values[:at]) and values[0] != "(":
        return None
    condition = structure(inside[bar + 1 :])
    if isinstance(condition, Group) and (family := listed(condition.items)):
        return family
    if at == bar > 1 and values[0] != "(":
        return listed([structure(inside[:bar]), condition])
    equation = isinstance(condition, Relation) and set(condition.ops) <= {"="}
    if domain not in LOWEST and (not equation or len(values[:at]) > 1):
        return condition
    return Builder(variable, domain, condition)


def _domain(values: Sequence[str]) -> str:
    """`Z+` for `\\mathbb{Z}^{+}`."""
    return "".join(v for v in values if v not in ("{", "}", "^", "_", r"\mathbb"))
