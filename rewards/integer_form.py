"""Is the answer the expected whole number, in its simplest form? Part of the reward is for the value in another form.

Covered: 14/2, 7.0, +7, 07 and 70e-1 for 7 are right in value and earn `partial`; 7 and 1,000 earn all of it.
Not covered: arithmetic (`5+2`), mixed numbers, percent, words: these earn nothing.
"""

from __future__ import annotations

from rewards import Problem, Rollout, Verdict, reward
from rewards._number import plain_integer, read_number
from rewards._options import between
from rewards._text import read, short


@reward("integer_form")
def integer_form(problem: Problem, rollout: Rollout, *, partial: float = 0.5, within: str = "answer") -> Verdict | None:
    """1 for the number itself, `partial` for an unreduced form of it, else 0. Abstains where no whole number is expected.

    partial: what the right value in another form earns
    within: where the answer stands: answer (the last answer block), response (all that follows the thought)
    """
    between("integer_form", "partial", partial, 0, 1)
    given = read("integer_form", rollout, within)
    if problem.answer is None:
        return None
    expected = read_number(str(problem.answer))
    if expected is None or expected.denominator != 1:
        return Verdict(value=None, why=f"expected {short(str(problem.answer))}, which is no whole number")
    if given is None:
        return Verdict(value=0.0, why=f"no {within}, expected {expected}")
    if read_number(given) != expected:
        return Verdict(value=0.0, why=f"extracted {short(given)}, expected {expected}")
    if plain_integer(given):
        return Verdict(value=1.0, why=f"extracted {short(given)}, expected {expected}")
    return Verdict(value=partial, why=f"{short(given)} is {expected}, not in its simplest form")
