"""Is the answer a number close enough to the expected one?

Covered: decimals, fractions of whole numbers, thousands separators, powers of ten, a currency sign before the number, and a
`unit` after it if one is set. Two numbers are not an answer. Values are compared exactly, so a tolerance of 0.01 means 0.01.
Not covered: percent, other units and conversion, arithmetic, roots; see `math`.
"""

from __future__ import annotations

import re
from fractions import Fraction

from rewards import Problem, Rollout, Verdict, reward
from rewards._number import read_number
from rewards._options import at_least
from rewards._text import evidence, read, short

_CURRENCY = re.compile(r"^([+-]?)\s{0,9}[$€£¥](?=[\d.])")


@reward("numeric", evidence=evidence)
def numeric(
    problem: Problem, rollout: Rollout, *, tolerance: float = 0.0, relative: float = 0.0, unit: str = "", within: str = "answer"
) -> Verdict | None:
    """1 if the answer is within either tolerance of the expected number, else 0. Abstains if no number is expected.

    tolerance: the allowed distance from the expected number
    relative: the allowed distance as a share of the expected number
    unit: a unit that may follow the number
    within: where the answer is: answer (the last answer block), response (everything after the thought)
    """
    at_least("numeric", "tolerance", tolerance, 0)
    at_least("numeric", "relative", relative, 0)
    extracted = read("numeric", rollout, within)
    if problem.answer is None:
        return None
    expected = _value(str(problem.answer), unit)
    if expected is None:
        return Verdict(value=None, why=f"expected {short(str(problem.answer))}, which is not a number")
    value = None if extracted is None else _value(extracted, unit)
    if extracted is None or value is None:
        return Verdict(value=0.0, why=f"no {within}" if extracted is None else f"{short(extracted)} is not a single number")
    allowed = max(Fraction(str(tolerance)), Fraction(str(relative)) * abs(expected))
    distance = abs(value - expected)
    why = f"extracted {short(extracted)}, expected {short(str(problem.answer))}: {_shown(distance)}"
    return Verdict(value=float(distance <= allowed), why=why)


def _value(text: str, unit: str) -> Fraction | None:
    text = text.strip()
    if unit and text.endswith(unit):
        text = text.removesuffix(unit)
    return read_number(_CURRENCY.sub(r"\1", text))


def _shown(distance: Fraction) -> str:
    if not distance:
        return "equal"
    try:
        return f"off by {float(distance):.6g}"
    except OverflowError:
        return "off by more than a float can hold"
