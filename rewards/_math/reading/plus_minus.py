"""`1 \\pm 2` as the two answers that it stands for.

Covered: several signs, which all turn at once, and `\\mp`, which turns the other way. Not covered: signs that turn by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

from rewards._math.reading.lex import Token


def with_two_signs(tokens: Sequence[Token]) -> bool:
    return any(t.value in (r"\pm", r"\mp") for t in tokens)


def both_signs(tokens: Sequence[Token]) -> tuple[list[Token], list[Token]]:
    """The upper signs, and the lower ones."""
    return _signed(tokens, "+", "-"), _signed(tokens, "-", "+")


def _signed(tokens: Sequence[Token], plus: str, minus: str) -> list[Token]:
    turned = {r"\pm": plus, r"\mp": minus}
    return [t._replace(kind="mark", value=turned[t.value]) if t.value in turned else t for t in tokens]
