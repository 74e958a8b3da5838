"""Token lists cut at what stands outside all brackets.

Covered: brackets of every kind, half-open intervals in which `]` opens, environments. Not covered: bars, which open and
close with one sign.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

from rewards._math.reading.lex import CLOSES, OPENS, Token

OR, AND = frozenset({"or", r"\lor", "或", "或者"}), frozenset({"and", r"\land", "和", "与", "以及"})
SEPARATORS = frozenset({",", ";"}) | OR | AND
COMPARISONS = {"=": "=", "<": "<", ">": ">", r"\le": "<=", r"\ge": ">=", r"\ne": "!=", r"\approx": "~", r"\in": "in", r"\equiv": "=="}


def split(tokens: Sequence[Token], signs: Container[str], *, keep_empty: bool = False) -> tuple[list[list[Token]], list[str]]:
    """The parts between separators outside all brackets, and the separators."""
    parts: list[list[Token]] = [[]]
    found: list[str] = []
    depth = environments = 0
    for at, token in enumerate(tokens):
        opens = token.value in OPENS or (token.value == "]" and not at)
        depth += opens - (token.value in CLOSES and not opens) + (at == len(tokens) - 1 and token.value == "[")
        environments += (token.value == r"\begin") - (token.value == r"\end")
        word = token.value.lower() if token.kind == "word" else token.value
        if depth == 0 and not environments and word in signs:
            found.append(word)
            parts.append([])
        else:
            parts[-1].append(token)
    return [p for p in parts if p or keep_empty], found


def closing(tokens: Sequence[Token]) -> int:
    """Where the bracket that opens a token list closes; any bracket closes any, for half-open intervals."""
    depth = 0
    for at, token in enumerate(tokens):
        depth += (token.value in OPENS) - (token.value in CLOSES)
        if depth <= 0:
            return at
    return -1
