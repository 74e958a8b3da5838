"""What is said behind a number instead of being written in signs: `5 squared`, `5 below zero`, `63° 45' 30''`.

Covered: squared, cubed, factorial, below zero, minutes and seconds of arc. Not covered: operations between two numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from rewards._math.reading.cursor import decimal
from rewards._math.reading.lex import CLOSES, Token

_SAID = {
    "squared": [Token("mark", "^", False, False), Token("number", "2", False, False)],
    "cubed": [Token("mark", "^", False, False), Token("number", "3", False, False)],
    "factorial": [Token("mark", "!", False, False)],
}


def in_signs(tokens: Sequence[Token]) -> Sequence[Token]:
    """`5 squared`, `5 factorial` and `5 below zero` in signs."""
    values = [t.value.lower() for t in tokens]
    if values[-2:] == ["below", "zero"]:
        tokens = [Token("mark", "-", False, False), *tokens[:-2]]
    said = [
        at for at, t in enumerate(tokens) if at and t.value in _SAID and (tokens[at - 1].kind == "number" or tokens[at - 1].value in CLOSES)
    ]
    for at in reversed(said):
        tokens = [*tokens[:at], *_SAID[tokens[at].value], *tokens[at + 1 :]]
    return tokens


def angle(tokens: Sequence[Token]) -> Fraction | None:
    """`63° 45' 30''` in degrees."""
    sign = -1 if tokens and tokens[0].value == "-" else 1
    parts = [(decimal(t.value), mark) for t, mark in _marked(tokens[sign < 0 :])]
    marks = [mark for _, mark in parts]
    if marks not in ([r"\degree", "'"], [r"\degree", "'", "''"]):
        return None
    total = sum((value / 60**at for at, (value, _) in enumerate(parts)), Fraction(0))
    return sign * total


def _marked(tokens: Sequence[Token]) -> list[tuple[Token, str]]:
    """Each number with the marks behind it; nothing where anything else stands there."""
    found: list[tuple[Token, str]] = []
    for token in tokens:
        if token.kind == "number":
            found.append((token, ""))
        elif found and token.value in (r"\degree", "'"):
            found[-1] = (found[-1][0], found[-1][1] + token.value)
        else:
            return []
    return found
