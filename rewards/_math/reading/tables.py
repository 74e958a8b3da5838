"""Environments with rows: matrices, systems of equations, functions by cases, calculations over several lines.

Covered: the environments of amsmath; a scale before a matrix and a transposition after it; a line that begins with a
relation continues the line before. Not covered: an environment within another; determinants, which are compared as text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rewards._math.algebra.polynomial import constant, quotient
from rewards._math.algebra.tree import Num, Tree, Unread, times
from rewards._math.reading.lex import Token
from rewards._math.reading.parse import parse
from rewards._math.reading.splitting import COMPARISONS, closing, split
from rewards._math.reading.structures import Answer, Cases, Group, Matrix, Words

_MATRICES = frozenset("pmatrix bmatrix matrix Bmatrix smallmatrix array".split())
_LINES = frozenset("cases dcases rcases aligned align alignat gather gathered split equation eqnarray multline array".split())
_WITH_COLUMNS = frozenset({"array", "alignat"})  # `{cc}` follows the name
_TRANSPOSED = (["^", "T"], ["^", r"\top"], ["^", "'"], ["'"])
_IF = frozenset("if for when where whenever provided 若 如果 当".split())
_ELSE = frozenset("otherwise else elsewhere 其他 其它 否则".split())
Rows = list[list[list[Token]]]


def environment(tokens: Sequence[Token], structure: Callable[[Sequence[Token]], Answer]) -> Answer | None:
    """The answer that an environment holds; None where the tokens are none that is read."""
    begin = next((i for i, t in enumerate(tokens) if t.value == r"\begin"), None)
    end = next((i for i, t in enumerate(tokens) if t.value == r"\end"), None)
    if begin is None or end is None or end < begin:
        return None
    head, tail = tokens[:begin], tokens[end + 1 + closing(tokens[end + 1 :]) + 1 :]
    if head and tail and (head[-1].value, tail[0].value) in (("[", "]"), ("(", ")")):
        head, tail = head[:-1], tail[1:]
    body_at = begin + 1 + closing(tokens[begin + 1 :]) + 1
    name = "".join(t.value for t in tokens[begin + 2 : body_at - 1]).rstrip("*")
    body = tokens[body_at:end]
    if name in _WITH_COLUMNS and body and body[0].value == "{":
        body = body[closing(body) + 1 :]
    rows: Rows = [split(row, {"&"}, keep_empty=True)[0] for row in split(body, {r"\\"})[0]]
    braced = [t.value for t in head] == [r"\{"]
    if name in _MATRICES and not braced:
        found = _matrix(head, rows, [t.value for t in tail if t.value not in "{}"])
        if found:
            return found
    if name not in _LINES or (head and not braced) or tail:
        return None
    return _cases(rows, structure) or _lines(rows, structure)


def without_transposition(tokens: Sequence[Token]) -> Sequence[Token]:
    """`(1, 2)^T` without the sign: a tuple has no direction."""
    if len(tokens) < 3 or tokens[0].value not in ("(", "["):
        return tokens
    end = closing(tokens)
    return tokens[: end + 1] if [t.value for t in tokens[end + 1 :] if t.value not in "{}"] in _TRANSPOSED[:2] else tokens


def _matrix(head: Sequence[Token], rows: Rows, tail: list[str]) -> Matrix | None:
    if tail and tail not in _TRANSPOSED:
        return None
    try:
        scale = parse(head) if head else None
        entries = [tuple(_scaled(scale, parse(cell)) for cell in row) for row in rows]
    except Unread:
        return None
    if len({len(row) for row in entries}) != 1:
        return None
    return Matrix(tuple(zip(*entries, strict=True)) if tail else tuple(entries))


def _scaled(scale: Tree | None, entry: Tree) -> Tree:
    if scale is None:
        return entry
    value = constant(quotient(times(scale, entry)))
    return times(scale, entry) if value is None else Num(value)


def _cases(rows: Rows, structure: Callable[[Sequence[Token]], Answer]) -> Cases | None:
    """Values beside their conditions; None where the second column only continues the first."""
    if not rows or any(len(row) != 2 or not row[0] or not row[1] or row[1][0].value in COMPARISONS for row in rows):
        return None
    return Cases(tuple((structure(value), _condition(condition, structure)) for value, condition in rows))


def _condition(tokens: Sequence[Token], structure: Callable[[Sequence[Token]], Answer]) -> Answer:
    while len(tokens) > 1 and tokens[0].value.lower() in _IF:
        tokens = tokens[1:]
    if tokens[0].value.lower() in _ELSE:
        return Words("otherwise")
    return structure(tokens)


def _lines(rows: Rows, structure: Callable[[Sequence[Token]], Answer]) -> Answer | None:
    """One statement for each line, or one alone."""
    lines: list[list[Token]] = []
    for row in rows:
        line = [token for cell in row for token in cell]
        if lines and line and line[0].value in COMPARISONS:
            lines[-1] += line
        elif line:
            lines.append(line)
    items = [structure(line) for line in lines]
    if len(items) < 2:
        return items[0] if items else None
    flat = [i for item in items for i in (item.items if isinstance(item, Group) and not item.opening else (item,))]
    return Group("", "", tuple(flat), "and")
