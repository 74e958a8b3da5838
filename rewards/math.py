"""Is the response's answer the expected one, mathematically?

Covered: fractions, mixed numbers, decimals, percent, money, units, digit grouping, scientific notation, roots, algebra,
tuples, sets, intervals, inequalities, equations, matrices, bases, multiple choice, plain text, English and Chinese
phrasing. An answer has to be an answer: unfinished arithmetic, two answers for one, an answer that is taken back and a
chain whose sides differ are wrong, and a rounded value is not the exact one unless `tolerance` says so.
Not covered: text in other words, integrals, sums and limits other than in the gold answer's own form. Sizes are looked at
before anything is computed, so that no answer costs more than milliseconds; what is too large is only compared as text.
"""

from __future__ import annotations

from contextlib import suppress

from rewards import Problem, Rollout, Verdict, reward
from rewards._math.extract import Claim, claims, gold
from rewards._math.judge import judge, readable
from rewards._math.library import agrees
from rewards._options import at_least

SHOWN = 120  # characters of an answer in `why`


def warm_up(**_: object) -> None:
    """Import what the hardest answers need, before any of them has a deadline."""
    with suppress(ValueError):  # math-verify is not there: the first answer that needs it says so
        agrees(r"\frac{x}{2}", r"\frac{2x}{4}")


@reward("math", warm_up=warm_up)
def math(problem: Problem, rollout: Rollout, *, tolerance: float = 0.0) -> Verdict | None:
    """1 where everything that the response claims equals the answer, else 0. Abstains where there is no answer to compare with.

    tolerance: how far a number may lie from the expected one, relative to it
    """
    at_least("math", "tolerance", tolerance, 0)
    if problem.answer is None or not readable(expected := gold(str(problem.answer))):
        return None
    found = claims(rollout.response)
    if not found:
        return Verdict(value=0.0, why=f"no answer found, expected {_short(expected)}")
    whys = []
    for claim in found:
        path, why = _decide(claim, expected, tolerance)
        if not path:
            return Verdict(value=0.0, why=why)
        whys.append(why)
    return Verdict(value=1.0, why="; ".join(whys))


def _decide(claim: Claim, expected: str, tolerance: float) -> tuple[str, str]:
    """The path by which a claim is right, empty where it is not, and the evidence."""
    shown = f"extracted {_short(claim.texts[0])} from {claim.source}, expected {_short(expected)}"
    if claim.hedge:
        return "", f"{shown}: hedged by {claim.hedge!r}"
    for text in claim.texts:
        path = judge(expected, text, tolerance)
        if path:
            return path, f"{shown}: {path}"
    if claim.each and all(judge(expected, text, tolerance) for text in claim.each):
        return "each by itself", f"{shown}: each by itself"
    return "", f"{shown}: not equal"


def _short(text: str) -> str:
    return repr(text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}...")
