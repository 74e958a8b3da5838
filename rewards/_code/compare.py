"""Comparison of actual and expected results, outside of the sandbox, on plain data."""

from __future__ import annotations

import math
from typing import Any

ROUNDING = 1e-9  # two floats are equal within this relative difference


def same_output(actual: str, expected: str) -> bool:
    """Line by line, without blanks at the end of a line and empty lines at the end."""
    return _lines(actual) == _lines(expected)


def same_value(actual: Any, expected: Any) -> bool:
    """JSON values. A boolean is not a number; tuples have become lists."""
    if isinstance(actual, bool) or isinstance(expected, bool):
        return actual is expected
    if isinstance(actual, int | float) and isinstance(expected, int | float):
        return _close(actual, expected) if isinstance(expected, float) else _whole(actual) == expected
    if type(actual) is not type(expected):
        return False
    if isinstance(actual, list):
        return len(actual) == len(expected) and all(map(same_value, actual, expected))
    if isinstance(actual, dict):
        return actual.keys() == expected.keys() and all(same_value(actual[key], expected[key]) for key in expected)
    return actual == expected


def _whole(actual: float) -> float:
    """Round a float that is almost an integer. The bound is absolute: a relative one would accept estimates of large numbers."""
    if isinstance(actual, float) and math.isfinite(actual) and abs(actual - round(actual)) <= ROUNDING:
        return round(actual)
    return actual


def _close(actual: float, expected: float) -> bool:
    try:
        return math.isclose(actual, expected, rel_tol=ROUNDING, abs_tol=ROUNDING)
    except OverflowError:  # an integer too large for a float
        return False


def _lines(text: str) -> list[str]:
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines
