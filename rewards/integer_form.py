"""Is the answer the expected whole number, in its simplest form? The same value in another form earns a part.

Covered: 7 and 1,000 earn the whole reward; 14/2, 7.0, +7, 07 and 70e-1 for 7 earn `partial`.
Not covered: arithmetic (`5+2`), mixed numbers, percent and words, which earn nothing.
"""

from __future__ import annotations

from rewards import Problem, Rollout, Verdict, reward
from rewards._number import plain_integer, read_number
from rewards._options import between
from rewards._text import evidence, read, short


@reward("integer_form", evidence=evidence)
def integer_form(problem: Problem, rollout: Rollout, *, partial: float = 0.5, within: str = "answer") -> Verdict | None:
    """1 for the number in its simplest form, `partial` for another form, else 0. Abstains if no whole number is expected.

    partial: the reward for the correct value in another form
    within: where the answer is: answer (the last answer block), response (everything after the thought)
    """
    between("integer_form", "partial", partial, 0, 1)
    extracted = read("integer_form", rollout, within)
    if problem.answer is None:
        return None
    expected = read_number(str(problem.answer))
    if expected is None or expected.denominator != 1:
        return Verdict(value=None, why=f"expected {short(str(problem.answer))}, which is not a whole number")
    if extracted is None:
        return Verdict(value=0.0, why=f"no {within}, expected {expected}")
    if read_number(extracted) != expected:
        return Verdict(value=0.0, why=f"extracted {short(extracted)}, expected {expected}")
    if plain_integer(extracted):
        return Verdict(value=1.0, why=f"extracted {short(extracted)}, expected {expected}")
    return Verdict(value=partial, why=f"{short(extracted)} is {expected}, not in its simplest form")
