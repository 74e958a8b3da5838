"""Is the answer block's content the expected answer, as text or as a number?

Covered: white space, letter case, numbers written differently (`07`, `7.0`, `14/2`, `1,000`). Not covered: algebra,
units, several accepted answers.
"""

import re
from fractions import Fraction

from r1lite.text.response import last_answer
from rewards import Problem, Rollout, Verdict, reward

# Short enough that no one can make a Fraction expensive: a power of ten in the exponent would. ASCII, so that the
# digits of other scripts are text, not numbers.
_NUMBER = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?(/\d{1,40})?", re.ASCII)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(\D|$))", re.ASCII)


@reward("answer")
def answer(problem: Problem, rollout: Rollout) -> Verdict | None:
    """1 where the answer block holds the expected answer, else 0. Abstains where the problem has no answer."""
    if problem.answer is None:
        return None
    given = last_answer(rollout.response)
    if given is None:
        return Verdict(value=0.0, why="no answer block")
    return Verdict(value=float(same(given, str(problem.answer))), why=f"extracted {given!r}, expected {str(problem.answer)!r}")


def same(given: str, expected: str) -> bool:
    a, b = number(given), number(expected)
    if a is not None and b is not None:
        return a == b
    return " ".join(given.split()).casefold() == " ".join(expected.split()).casefold()


def number(text: str) -> Fraction | None:
    text = _THOUSANDS.sub("", text.strip())
    if not _NUMBER.fullmatch(text):
        return None
    top, _, bottom = text.partition("/")
    return Fraction(top) / Fraction(bottom or 1) if not bottom or int(bottom) else None
