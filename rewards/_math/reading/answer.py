"""Tokens to the structure of an answer: lists, tuples, sets, intervals, matrices, relations, unions, values, words.

Covered: separators (comma, semicolon, `or`, `and`, 或, 和), plus-minus as two answers, set builders, nested brackets,
half-open intervals in either notation, environments. Not covered: an environment within a list.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rewards._math.reading.builders import builder
from rewards._math.reading.clean import clean
from rewards._math.reading.families import declared
from rewards._math.reading.functions import FUNCTIONS
from rewards._math.reading.lex import CLOSES, OPENS, Token, lex
from rewards._math.reading.plus_minus import both_signs, with_two_signs
from rewards._math.reading.single import joined, single
from rewards._math.reading.splitting import AND, COMPARISONS, OR, SEPARATORS, closing, split
from rewards._math.reading.structures import Answer, Family, Group, Relation, Union, Words, name
from rewards._math.reading.tables import environment, without_transposition

_SILENT = frozenset({"=", r"\approx", r"\equiv", r"\in"})  # in front of an answer, they add nothing to it
_LEAD = frozenset(
    "the final answer result value values solution solutions total sum number area volume length probability of is are equals so thus "
    "therefore hence required correct approximately about roughly around either both 答案 是 答案是 约 约为 大约 "
    r"\therefore \rightarrow \implies \longrightarrow".split()
)


@lru_cache(maxsize=4096)
def read(text: str) -> tuple[Answer, ...]:
    """The ways to read an answer: `1,234` is a number and may be a list."""
    cleaned = clean(text)
    if family := declared(cleaned):
        body, letter, domain = family
        return (Family(structure(lex(body)), letter, domain),)
    first = lex(cleaned)
    ways = [structure(first)]
    if "and" in cleaned:
        ways += joined(first)
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
    if with_two_signs(tokens) and not listed and not (tokens[0].value == r"\{" and closing(tokens) == len(tokens) - 1):
        return Group("", "", tuple(structure(way) for way in both_signs(tokens)), "or")
    if len(parts) > 1:
        joined = "or" if OR & set(signs) else "and" if AND & set(signs) else ","
        return Group("", "", _solutions(_items(parts)), joined)
    tokens = parts[0] if parts else tokens
    sides, ops = split(tokens, COMPARISONS.keys(), keep_empty=True)
    if ops:
        return _relation(sides, ops)
    for sign in (r"\cup", r"\setminus"):
        parts, signs = split(tokens, {sign})
        if len(parts) > 1:
            return Union(tuple(structure(p) for p in parts), sign == r"\setminus")
    return _bracketed(tokens) or environment(tokens, structure) or single(tokens)


def _trim(tokens: Sequence[Token]) -> Sequence[Token]:
    """Without outer braces, a phrase that leads in, and a full stop at the end."""
    while tokens and tokens[-1].value in (".", ",", ";", ":"):
        tokens = tokens[:-1]
    while tokens and tokens[0].value == "{" and closing(tokens) == len(tokens) - 1:
        tokens = tokens[1:-1]
    at = 0
    while at < len(tokens) - 1 and (tokens[at].value.lower() in _LEAD or (at and tokens[at].value == ":")):
        at += 1
    return tokens[at:]


def _items(parts: Sequence[Sequence[Token]]) -> tuple[Answer, ...]:
    """Of a list or a set, in which `1 \\pm 2` stands for two."""
    return tuple(structure(way) for part in parts for way in (both_signs(part) if with_two_signs(part) else (part,)))


def _solutions(items: tuple[Answer, ...]) -> tuple[Answer, ...]:
    """Of `x=1, y=2, x=3, y=4`, one item for each solution."""
    names = [name(i.sides[0]) if isinstance(i, Relation) and i.ops == ("=",) else None for i in items]
    width = len(set(names))
    if width < 2 or width == len(items) or len(items) % width or not all(names):
        return items
    groups = [items[at : at + width] for at in range(0, len(items), width)]
    if any(len(set(names[at : at + width])) < width for at in range(0, len(items), width)):
        return items
    return tuple(Group("", "", group) for group in groups)


def _relation(sides: list[list[Token]], ops: list[str]) -> Answer:
    """`= 5` and `x =` say one side only; `> 5` says something of a number that is not named."""
    if (not sides[0] and ops[0] in _SILENT) or (not sides[-1] and ops[-1] in _SILENT):
        leads = not sides[0] and ops[0] in _SILENT
        rest = sides[1:] if leads else sides[:-1]
        return _relation(rest, ops[1:] if leads else ops[:-1]) if len(rest) > 1 else structure(rest[0])
    return Relation(tuple(structure(s) if s else Words("") for s in sides), tuple(COMPARISONS[o] for o in ops))


def _bracketed(tokens: Sequence[Token]) -> Answer | None:
    tokens = without_transposition(tokens)
    opening, end = tokens[0].value, tokens[-1].value
    outward = opening == "]" or (end == "[" and opening in "[]")
    if len(tokens) < 2 or not (outward or (opening in OPENS and end in CLOSES and closing(tokens) == len(tokens) - 1)):
        return None
    inside = tokens[1:-1]
    if outward:
        opening, end = {"[": "[", "]": "("}[opening], {"]": "]", "[": ")"}.get(end, end)
    parts, signs = split(inside, {",", ";"})
    if opening == r"\{" and end == r"\}":
        if described := builder(inside, structure):
            return described
        return Group("{", "}", _items(parts))
    if signs and opening in ("(", "[", r"\langle"):
        ends = {r"\langle": "(", r"\rangle": ")"}
        return Group(ends.get(opening, opening), ends.get(end, end), tuple(structure(p) for p in parts))
    if any(t.value in COMPARISONS or t.value in (r"\cup", r"\begin") for t in inside) or (inside and inside[0].value in ("(", "[")):
        return structure(inside)
    if any(t.kind == "word" and (t.text or len(t.value) > 3) and t.value not in FUNCTIONS for t in inside):
        return structure(inside)  # `[45 degrees]`
    return None
