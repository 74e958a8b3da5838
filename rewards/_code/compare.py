"""Is what came out what should come out? Decided here, outside of the sandbox, on plain data."""

from __future__ import annotations

import math
from typing import Any

ROUNDING = 1e-9  # two floats are one value within this share of it


def same_output(given: str, wanted: str) -> bool:
    """Line by line; blanks at a line's end and empty lines at the end do not count."""
    return _lines(given) == _lines(wanted)


def same_value(given: Any, wanted: Any) -> bool:
    """Values of JSON. A truth value is no number; a tuple comes back as a list."""
    if isinstance(given, bool) or isinstance(wanted, bool):
        return given is wanted
    if isinstance(given, int | float) and isinstance(wanted, int | float):
        return _close(given, wanted) if isinstance(wanted, float) else _whole(given) == wanted
    if type(given) is not type(wanted):
        return False
    if isinstance(given, list):
        return len(given) == len(wanted) and all(map(same_value, given, wanted))
    if isinstance(given, dict):
        return given.keys() == wanted.keys() and all(same_value(given[key], wanted[key]) for key in wanted)
    return given == wanted


def _whole(given: float) -> float:
    """The whole number that a float is but for rounding. Never by its share: an estimate of a large number would pass."""
    if isinstance(given, float) and math.isfinite(given) and abs(given - round(given)) <= ROUNDING:
        return round(given)
    return given


def _close(given: float, wanted: float) -> bool:
    try:
        return math.isclose(given, wanted, rel_tol=ROUNDING, abs_tol=ROUNDING)
    except OverflowError:  # an integer too large for a float
        return False


def _lines(text: str) -> list[str]:
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines
