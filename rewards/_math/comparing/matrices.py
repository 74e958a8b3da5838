"""Matrices, and tuples beside them, as rows of entries.

Covered: a tuple is a column; a row beside a column is the same vector where one of the two is no matrix. Not covered: blocks.
"""

from __future__ import annotations

from rewards._math.reading.quantity import Reading
from rewards._math.reading.structures import Answer, Group, Matrix, Value

Rows = list[list[Answer]]


def alike(gold: Answer, given: Answer) -> tuple[Rows | None, Rows | None]:
    """The rows of two answers, in one direction where one is a vector without any; None for what has no rows."""
    left, right = _rows(gold), _rows(given)
    if left and right and len(left) != len(right) and isinstance(gold, Matrix) != isinstance(given, Matrix):
        return _in_one_row(left), _in_one_row(right)
    return left, right


def _rows(answer: Answer) -> Rows | None:
    if isinstance(answer, Matrix):
        return [[Value((Reading(c),)) for c in row] for row in answer.rows]
    if not isinstance(answer, Group) or answer.opening not in ("(", "["):
        return None
    if all(isinstance(i, Group) and i.opening == "[" for i in answer.items):
        return [list(i.items) for i in answer.items if isinstance(i, Group)]
    return [[i] for i in answer.items]


def _in_one_row(rows: Rows) -> Rows:
    """A column as a row."""
    return [[i for row in rows for i in row]] if all(len(row) == 1 for row in rows) else rows
