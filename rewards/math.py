"""Is the response's answer mathematically equal to the expected one?

Covered: fractions, mixed numbers, decimals, percent, money, units, digit grouping, scientific notation, roots, algebra,
tuples, sets, intervals, inequalities, equations, systems, cases, matrices, families over the integers, several parts, bases,
multiple choice, numbers in words, plain text, English and Chinese phrases. Unfinished arithmetic, several answers for one,
answers that are taken back, and chains whose sides differ are wrong. A rounded value does not equal the exact one unless
`rounded` or `tolerance` allows it.
Not covered: text in other words; integrals, sums and limits in another form than the gold answer's. Sizes are checked before
anything is computed, so no answer costs more than milliseconds; values that are too large are only compared as text.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from rewards import Problem, Rollout, Verdict, reward
from rewards._math.comparing.judge import judge, readable, reading
from rewards._math.comparing.library import agrees
from rewards._math.finding.extract import Claim, claims, gold
from rewards._options import at_least

MAX_SHOWN = 120  # characters of an answer in `why`


def warm_up(**_: object) -> None:
    """Import what the hardest answers need, so that no verdict spends its deadline on that."""
    with suppress(ValueError):  # math-verify is not installed: the first answer that needs it reports that
        agrees(r"\frac{x}{2}", r"\frac{2x}{4}")


def reads(answer: str, *, decimal_comma: bool = False, **_: object) -> str:
    """How responses are compared with an expected answer."""
    return reading(gold(answer), decimal_comma=decimal_comma)


@reward("math", warm_up=warm_up, reads=reads)
def math(
    problem: Problem, rollout: Rollout, *, tolerance: float = 0.0, rounded: bool = False, decimal_comma: bool = False
) -> Verdict | None:
    """1 if everything that the response claims equals the answer, else 0. Abstains if the problem has no readable answer.

    tolerance: the allowed relative distance of a number from the expected one
    rounded: an expected decimal also stands for every number that rounds to it: 3.14 for pi
    decimal_comma: 3,14 is a decimal and 1.234,5 has a thousands separator, in the answers and in the responses
    """
    at_least("math", "tolerance", tolerance, 0)
    if problem.answer is None or not readable(expected := gold(str(problem.answer))):
        return None
    compare = partial(judge, expected, tolerance=tolerance, rounded=rounded, decimal_comma=decimal_comma)
    claimed = claims(rollout.response)
    if not claimed:
        return Verdict(value=0.0, why=f"no answer found, expected {_short(expected)}")
    paths, whys = [], []
    for claim in claimed:
        path, why = _decide(claim, expected, compare)
        if not path:
            return Verdict(value=0.0, why=why)
        paths.append(path)
        whys.append(why)
    return Verdict(value=1.0, why="; ".join(whys), how="; ".join(dict.fromkeys(paths)))


def _decide(claim: Claim, expected: str, compare: Callable[[str], str]) -> tuple[str, str]:
    """How a claim equals the expected answer (empty if it does not), and the evidence."""
    shown = f"extracted {_short(claim.texts[0])} from {claim.source}, expected {_short(expected)}"
    if claim.against:
        return "", f"{shown}: {claim.against}"
    for text in claim.texts:
        path = compare(text)
        if path:
            return path, f"{shown}: {path}"
    if claim.each and all(compare(text) for text in claim.each):
        return "each by itself", f"{shown}: each by itself"
    return "", f"{shown}: not equal"


def _short(text: str) -> str:
    return repr(text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}...")
