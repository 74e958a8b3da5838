"""One answer without separators and outer brackets: an expression, perhaps with a unit, a number in words, or other words.

Covered: runs of letters, which are a product (`xy`) or a word (`cba`). Not covered: words with formulas in them, which stay text.
"""

from __future__ import annotations

from collections.abc import Sequence

from rewards._math.algebra.tree import Num, Unread
from rewards._math.reading.cursor import CONSTANT, GREEK
from rewards._math.reading.functions import FUNCTIONS
from rewards._math.reading.lex import Token
from rewards._math.reading.numerals import number_word, percentage
from rewards._math.reading.quantity import Reading, compound, readings
from rewards._math.reading.structures import Value, Words
from rewards._math.reading.units import lookup
from rewards._math.reading.words import plain


def single(tokens: Sequence[Token]) -> Value | Words:
    """A value, however it is written, or words."""
    text = _text(tokens)
    if _is_word(tokens) or _are_words(tokens):
        return _in_words(text)
    try:
        return Value(readings(tokens))
    except Unread:
        return _in_words(text)


def _in_words(text: str) -> Value | Words:
    """A number in words, or text that says something else."""
    if (share := percentage(text)) is not None:
        return Value((Reading(Num(share), lookup("percent")),))
    value = number_word(text)
    return Words(plain(text)) if value is None else Value((Reading(Num(value)),))


def _are_words(tokens: Sequence[Token]) -> bool:
    """`no solution` is no product of n and o."""
    if any(t.kind != "word" for t in tokens):
        return False
    names = FUNCTIONS | GREEK | CONSTANT.keys()
    return number_word(_text(tokens)) is not None or any(len(t.value) > 3 and t.value not in names for t in tokens)


def _is_word(tokens: Sequence[Token]) -> bool:
    """A lone run of letters is a word (`cba` is not `abc`), but `xy` is a product."""
    value = tokens[0].value
    if len(tokens) > 1 or tokens[0].kind != "word" or len(value) == 1 or value in CONSTANT or value in GREEK:
        return False
    return len(value) > 2 or not set(value) <= set("uvwxyz")


def joined(tokens: Sequence[Token]) -> list[Value]:
    """`2 hours and 30 minutes`, `one hundred and five`: one quantity, though `and` joins answers as well."""
    value = number_word(_text(tokens)) if all(t.kind == "word" for t in tokens) else None
    whole = compound([t for t in tokens if t.value != "and"]) if value is None else (Reading(Num(value)),)
    return [Value(whole)] if whole else []


def _text(tokens: Sequence[Token]) -> str:
    return "".join((" " if t.spaced else "") + t.value for t in tokens)
