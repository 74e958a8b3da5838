"""Tokens to the structure of an answer: lists, tuples, sets, intervals, matrices, relations, unions, values, words.

Covered: separators (comma, semicolon, `or`, `and`, 或, 和), plus-minus as two answers, set builders, nested brackets,
half-open intervals in either notation. Not covered: case distinctions (they are compared as text).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rewards._math.clean import clean
from rewards._math.cursor import CONSTANT
from rewards._math.lex import CLOSES, OPENS, Token, lex
from rewards._math.parse import parse
from rewards._math.polynomial import constant, quotient
from rewards._math.quantity import Reading, readings
from rewards._math.tree import Num, Sym, Tree, Unread, times
from rewards._math.words import plain

OR, AND = frozenset({"or", r"\lor", "或", "或者"}), frozenset({"and", r"\land", "和", "与", "以及"})
SEPARATORS = frozenset({",", ";"}) | OR | AND
COMPARISONS = {"=": "=", "<": "<", ">": ">", r"\le": "<=", r"\ge": ">=", r"\ne": "!=", r"\approx": "~", r"\in": "in", r"\equiv": "=="}
_SILENT = frozenset({"=", r"\approx", r"\equiv", r"\in"})  # in front of an answer, they add nothing to it
_MATRICES = frozenset({"pmatrix", "bmatrix", "matrix", "Bmatrix", "smallmatrix", "array"})
_LEAD = frozenset(
    "the final answer result value values solution solutions total sum number area volume length probability of is are equals so thus "
    "therefore "
    "hence required correct approximately about roughly around either both 答案 是 答案是 约 约为 大约".split()
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


Answer = Value | Words | Group | Matrix | Relation | Union


@lru_cache(maxsize=4096)
def read(text: str) -> tuple[Answer, ...]:
    """The ways to read an answer: `1,234` is a number and may be a list."""
    cleaned = clean(text)
    first = lex(cleaned)
    ways = [structure(first)]
    if any(t.kind == "number" and "," in t.value and ",0" not in t.value for t in first):
        ways.append(structure(lex(cleaned, commas=False)))
    return tuple(ways)


def structure(tokens: Sequence[Token]) -> Answer:
    """What a token list is, from the outside in."""
    tokens = _trim(tokens)
    if not tokens:
        return Words("")
    parts, signs = split(tokens, SEPARATORS)
    listed = len(parts) > 1 and not any(t.value in COMPARISONS for t in tokens)
    if _double(tokens) and not listed and not (tokens[0].value == r"\{" and _closing(tokens) == len(tokens) - 1):
        return Group("", "", tuple(structure(way) for way in _both_signs(tokens)), "or")
    if len(parts) > 1:
        joined = "or" if OR & set(signs) else "and" if AND & set(signs) else ","
        return Group("", "", _items(parts), joined)
    tokens = parts[0] if parts else tokens
    sides, ops = split(tokens, COMPARISONS.keys(), keep_empty=True)
    if ops:
        return _relation(sides, ops)
    for sign in (r"\cup", r"\setminus"):
        parts, signs = split(tokens, {sign})
        if len(parts) > 1:
            return Union(tuple(structure(p) for p in parts), sign == r"\setminus")
    return _bracketed(tokens) or _matrix(tokens) or _value(tokens)


def split(tokens: Sequence[Token], signs: object, *, keep_empty: bool = False) -> tuple[list[list[Token]], list[str]]:
    """A token list cut at separators outside all brackets, and the separators."""
    parts: list[list[Token]] = [[]]
    found: list[str] = []
    depth = matrices = 0
    for at, token in enumerate(tokens):
        opens = token.value in OPENS or (token.value == "]" and not at)
        depth += opens - (token.value in CLOSES and not opens) + (at == len(tokens) - 1 and token.value == "[")
        matrices += (token.value == r"\begin") - (token.value == r"\end")
        word = token.value.lower() if token.kind == "word" else token.value
        if depth == 0 and not matrices and word in signs:  # type: ignore[operator]
            found.append(word)
            parts.append([])
        else:
            parts[-1].append(token)
    return [p for p in parts if p or keep_empty], found


def _trim(tokens: Sequence[Token]) -> Sequence[Token]:
    """Without outer braces, a phrase that leads in, and a full stop at the end."""
    while tokens and tokens[-1].value in (".", ",", ";", ":"):
        tokens = tokens[:-1]
    while tokens and tokens[0].value == "{" and _closing(tokens) == len(tokens) - 1:
        tokens = tokens[1:-1]
    at = 0
    while at < len(tokens) - 1 and (tokens[at].value.lower() in _LEAD or (at and tokens[at].value == ":")):
        at += 1
    return tokens[at:]


def _items(parts: Sequence[Sequence[Token]]) -> tuple[Answer, ...]:
    """Of a list or a set, in which `1 \\pm 2` stands for two."""
    return tuple(structure(way) for part in parts for way in (_both_signs(part) if _double(part) else (part,)))


def _double(tokens: Sequence[Token]) -> bool:
    return any(t.value in (r"\pm", r"\mp") for t in tokens)


def _both_signs(tokens: Sequence[Token]) -> tuple[list[Token], list[Token]]:
    return _signed(tokens, "+", "-"), _signed(tokens, "-", "+")


def _signed(tokens: Sequence[Token], plus: str, minus: str) -> list[Token]:
    turned = {r"\pm": plus, r"\mp": minus}
    return [t._replace(kind="mark", value=turned[t.value]) if t.value in turned else t for t in tokens]


def _closing(tokens: Sequence[Token]) -> int:
    """Where the bracket that opens a token list closes; any bracket closes any, for half-open intervals."""
    depth = 0
    for at, token in enumerate(tokens):
        depth += (token.value in OPENS) - (token.value in CLOSES)
        if depth <= 0:
            return at
    return -1


def _relation(sides: list[list[Token]], ops: list[str]) -> Answer:
    """`= 5` and `x =` say one side only; `> 5` says something of a number that is not named."""
    if (not sides[0] and ops[0] in _SILENT) or (not sides[-1] and ops[-1] in _SILENT):
        leads = not sides[0] and ops[0] in _SILENT
        rest = sides[1:] if leads else sides[:-1]
        return _relation(rest, ops[1:] if leads else ops[:-1]) if len(rest) > 1 else structure(rest[0])
    return Relation(tuple(structure(s) if s else Words("") for s in sides), tuple(COMPARISONS[o] for o in ops))


def _bracketed(tokens: Sequence[Token]) -> Answer | None:
    opening, closing = tokens[0].value, tokens[-1].value
    outward = opening == "]" or (closing == "[" and opening in "[]")
    if len(tokens) < 2 or not (outward or (opening in OPENS and closing in CLOSES and _closing(tokens) == len(tokens) - 1)):
        return None
    inside = tokens[1:-1]
    if outward:
        opening, closing = {"[": "[", "]": "("}[opening], {"]": "]", "[": ")"}.get(closing, closing)
    parts, signs = split(inside, {",", ";"})
    braces = opening == r"\{" and closing == r"\}"
    if braces and not signs:
        builder, bars = split(inside, {"|", ":"})
        if bars and len(builder) == 2:
            return structure(builder[1])
    if braces:
        return Group("{", "}", _items(parts))
    if signs and opening in ("(", "[", r"\langle"):
        ends = {r"\langle": "(", r"\rangle": ")"}
        return Group(ends.get(opening, opening), ends.get(closing, closing), tuple(structure(p) for p in parts))
    if any(t.value in COMPARISONS or t.value in (r"\cup", r"\begin") for t in inside) or (inside and inside[0].value in ("(", "[")):
        return structure(inside)
    return None


def _matrix(tokens: Sequence[Token]) -> Matrix | None:
    begin = next((i for i, t in enumerate(tokens) if t.value == r"\begin"), None)
    end = next((i for i, t in enumerate(tokens) if t.value == r"\end"), None)
    if begin is None or end is None or len(tokens) != end + 4 or tokens[begin + 2].value not in _MATRICES:
        return None
    body = tokens[begin + 4 : end]
    if tokens[begin + 2].value == "array" and body and body[0].value == "{":
        body = body[_closing(body) + 1 :]
    try:
        scale = parse(tokens[:begin]) if begin else None
        rows = [[parse(cell) for cell in split(row, {"&"})[0]] for row in split(body, {r"\\"})[0]]
    except Unread:
        return None
    return Matrix(tuple(tuple(c if scale is None else _scaled(scale, c) for c in row) for row in rows))


def _scaled(scale: Tree, entry: Tree) -> Tree:
    value = constant(quotient(times(scale, entry)))
    return times(scale, entry) if value is None else Num(value)


def _value(tokens: Sequence[Token]) -> Answer:
    text = "".join((" " if t.spaced else "") + t.value for t in tokens)
    if _is_word(tokens):
        return Words(plain(text))
    try:
        return Value(readings(tokens))
    except Unread:
        return Words(plain(text))


def _is_word(tokens: Sequence[Token]) -> bool:
    """A lone run of letters is a word (`cba` is not `abc`), but `xy` is a product."""
    value = tokens[0].value
    if len(tokens) > 1 or tokens[0].kind != "word" or len(value) == 1 or value in CONSTANT:
        return False
    return len(value) > 2 or not set(value) <= set("uvwxyz")


def name(answer: Answer) -> str | None:
    """What an answer names, where it is a variable, a point, a tuple of variables, or words: the left side of `x = 5`."""
    if isinstance(answer, Words):
        return answer.text or None
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
