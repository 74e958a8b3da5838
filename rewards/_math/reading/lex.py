"""Cleaned text to tokens. Words inside \\text{} are marked, because `\\text{cm}` is a unit and `cm` may be a product.

Covered: numbers with grouping commas where asked for, scientific `1e6`, commands, letter runs, Chinese runs. Not
covered: anything after MAX_TOKENS tokens or deeper than MAX_DEPTH brackets: that is refused.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from r1lite.text.braces import braced
from rewards._math.algebra.tree import MAX_DEPTH, MAX_DIGITS, MAX_TOKENS, Unread

MAX_CHARACTERS = 2000
TEXT = frozenset(
    "text textnormal textrm textbf textit textsf textsc textmd textup textsl texttt emph mbox hbox rm "
    "mathrm mathsf mathtt operatorname".split()
)
OPENS, CLOSES = (
    frozenset({"(", "[", "{", r"\{", r"\langle", r"\lfloor", r"\lceil"}),
    frozenset({")", "]", "}", r"\}", r"\rangle", r"\rfloor", r"\rceil"}),
)


class Token(NamedTuple):
    """One piece of text. `kind` is number, command, word or mark."""

    kind: str
    value: str
    text: bool  # stood inside \text{}
    spaced: bool  # white space before it


_PARTS = r"""
 (?P<space>\s+)
|(?P<number>{grouped}\d+(?:\.(?!\.)\d*)?(?:[eE][+-]?\d{{1,4}}(?![\d.]))?|\.\d+(?:[eE][+-]?\d{{1,4}})?)
|(?P<command>\\(?:[A-Za-z]+|.))
|(?P<word>[A-Za-z]+(?:-(?=[A-Za-z]{{2}})[A-Za-z]+)*|[\u4e00-\u9fff]+)
|(?P<mark>\.\.\.+|<=|>=|!=|==|.)
"""
_PLAIN = re.compile(_PARTS.format(grouped=""), re.VERBOSE | re.DOTALL)
_COMMAS = re.compile(_PARTS.format(grouped=r"\d{1,3}(?:,\d{3})+(?![\d,])(?:\.\d+)?(?:[eE][+-]?\d{1,4}(?![\d.]))?|"), re.VERBOSE | re.DOTALL)
_COMPARE = {"<=": r"\le", ">=": r"\ge", "!=": r"\ne", "==": "="}


def lex(text: str, *, commas: bool = True) -> list[Token]:
    """The tokens of a cleaned text; with `commas`, `1,234` is one number."""
    if len(text) > MAX_CHARACTERS:
        raise Unread(f"longer than {MAX_CHARACTERS} characters")
    tokens = _lex(text, _COMMAS if commas else _PLAIN, False, 0)
    _check(tokens)
    return tokens


def _lex(text: str, pattern: re.Pattern[str], inside: bool, depth: int) -> list[Token]:
    tokens: list[Token] = []
    at, spaced = 0, False
    while at < len(text):
        found = pattern.match(text, at)
        assert found is not None
        at, kind, value = found.end(), str(found.lastgroup), found[0]
        if kind == "space":
            spaced = True
            continue
        if kind == "command" and value[1:] in TEXT and depth < MAX_DEPTH:
            body, at = braced(text, at)
            inner = _lex(body, pattern, True, depth + 1)
            tokens += [inner[0]._replace(spaced=True), *inner[1:]] if inner else []
        else:
            tokens.append(Token(kind, _COMPARE.get(value, value), inside, spaced))
        if len(tokens) > MAX_TOKENS:
            raise Unread(f"more than {MAX_TOKENS} parts")
        spaced = False
    return tokens


def _check(tokens: list[Token]) -> None:
    depth = 0
    for token in tokens:
        depth += (token.value in OPENS) - (token.value in CLOSES)
        if depth > MAX_DEPTH:
            raise Unread(f"brackets deeper than {MAX_DEPTH}")
        if token.kind == "number" and len(token.value) > MAX_DIGITS:
            raise Unread(f"a number of more than {MAX_DIGITS} digits")
