"""What an answer may be: a value, words, a list, a matrix, a relation, a union, cases, a set builder, a family.

Covered: immutable types and the name that the left side of `x = 5` gives. Not covered: reading them, which `answer` does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rewards._math.algebra.tree import Sym, Tree
from rewards._math.reading.quantity import Reading

TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}  # a relation, read from its other side

# Text around an expression, or a denial, names nothing.
_NO_NAME = re.compile(
    r"\d[\sA-Za-z)}]*[-+*/^]|[-+*/^]\s{0,9}\d|\b(?:not|no|isn|never|neither|nicht|kein|pas|than|at least|at most)\b|不|非"
)


@dataclass(frozen=True, slots=True)
class Value:
    """An expression, in every way that it can be read."""

    readings: tuple[Reading, ...]

    @property
    def tree(self) -> Tree:
        return self.readings[0].tree


@dataclass(frozen=True, slots=True)
class Words:
    """Text that is no mathematics, or none that is read here."""

    text: str


@dataclass(frozen=True, slots=True)
class Group:
    """Several answers. Without brackets `opening` is empty and `joined` says how they are joined: `,`, `or`, `and`."""

    opening: str
    closing: str
    items: tuple[Answer, ...]
    joined: str = ","


@dataclass(frozen=True, slots=True)
class Matrix:
    rows: tuple[tuple[Tree, ...], ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """`sides[0] ops[0] sides[1] ops[1] ...`"""

    sides: tuple[Answer, ...]
    ops: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Union:
    """Sets joined by a union, or the first without the others."""

    parts: tuple[Answer, ...]
    minus: bool = False


@dataclass(frozen=True, slots=True)
class Cases:
    """A function by cases: each value with its condition."""

    rows: tuple[tuple[Answer, Answer], ...]


@dataclass(frozen=True, slots=True)
class Builder:
    """`{variable in domain : condition}`, where the condition alone does not say the same."""

    variable: str
    domain: str
    condition: Answer


@dataclass(frozen=True, slots=True)
class Family:
    """One answer for every number `letter` of a domain, as in `n\\pi, n \\in \\mathbb{Z}`."""

    body: Answer
    letter: str
    domain: str


Answer = Value | Words | Group | Matrix | Relation | Union | Cases | Builder | Family


def name(answer: Answer) -> str | None:
    """What an answer names, where it is a variable, a point, a tuple of variables, or words: the left side of `x = 5`."""
    if isinstance(answer, Words):
        return answer.text if answer.text and not _NO_NAME.search(answer.text) else None
    if isinstance(answer, Group):
        names = [name(a) for a in answer.items]
        return ",".join(n for n in names if n) if all(names) else None
    if isinstance(answer, Value):
        tree = answer.tree
        if isinstance(tree, Sym):
            return tree.name if tree.name not in ("pi", "i", "oo") else None
        if getattr(tree, "name", "") == "*" and all(isinstance(a, Sym) for a in getattr(tree, "args", ())):
            return "".join(a.name for a in tree.args if isinstance(a, Sym))  # type: ignore[union-attr]
    return None
