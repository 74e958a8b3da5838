"""Is the answer a number close enough to the expected one?

Covered: decimals, fractions of whole numbers, thousands separators, powers of ten, a dollar or euro sign before it, a
`unit` after it where one is named. Not covered: percent, other units and their conversion, arithmetic, roots: see `math`.
Two numbers are no answer. Values are compared exactly, so a tolerance of 0.01 means 0.01.
"""

from __future__ import annotations

import re
from fractions import Fraction

from rewards import Problem, Rollout, Verdict, reward
from rewards._number import read_number
from rewards._options import at_least
from rewards._text import read, short

_CURRENCY = re.compile(r"^([+-]?)\s*[$€£¥](?=[\d.])")


@reward("numeric")
def numeric(
    problem: Problem, rollout: Rollout, *, tolerance: float = 0.0, relative: float = 0.0, unit: str = "", within: str = "answer"
) -> Verdict | None:
    """1 where the answer lies within either tolerance of the expected number, else 0. Abstains where that is no number.

    tolerance: how far it may lie from the expected number
    relative: the same as a share of the expected number
    unit: what may stand after the number
    within: where the answer stands: answer (the last answer block), response (all that follows the thought)
    """
    at_least("numeric", "tolerance", tolerance, 0)
    at_least("numeric", "relative", relative, 0)
    given = read("numeric", rollout, within)
    if problem.answer is None:
        return None
    expected = _value(str(problem.answer), unit)
    if expected is None:
        return Verdict(value=None, why=f"expected {short(str(problem.answer))}, which is no number")
    value = None if given is None else _value(given, unit)
    if given is None or value is None:
        return Verdict(value=0.0, why=f"no {within}" if given is None else f"{short(given)} is no single number")
    allowed = max(Fraction(str(tolerance)), Fraction(str(relative)) * abs(expected))
    away = abs(value - expected)
    return Verdict(value=float(away <= allowed), why=f"extracted {short(given)}, expected {short(str(problem.answer))}: {_off(away)}")


def _value(text: str, unit: str) -> Fraction | None:
    text = text.strip()
    if unit and text.endswith(unit):
        text = text.removesuffix(unit)
    return read_number(_CURRENCY.sub(r"\1", text))


def _off(away: Fraction) -> str:
    return "equal" if not away else f"off by {_rounded(away)}"


def _rounded(away: Fraction) -> str:
    try:
        return f"{float(away):.6g}"
    except OverflowError:
        return "more than a float can hold"
