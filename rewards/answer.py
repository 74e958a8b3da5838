"""Is the content of the answer block the expected answer, as text or as a number?

Covered: white space, letter case, numbers in another notation (`07`, `7.0`, `14/2`, `1,000`). Not covered: algebra, units,
several accepted answers.
"""

import re
from fractions import Fraction

from r1lite.text.response import last_answer
from rewards import Problem, Rollout, Verdict, reward
from rewards._text import evidence

# Without exponents and of limited length, so that no Fraction becomes expensive. ASCII, so that digits of other scripts
# are text.
_NUMBER = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?(/\d{1,40})?", re.ASCII)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(\D|$))", re.ASCII)


@reward("answer", evidence=evidence)
def answer(problem: Problem, rollout: Rollout) -> Verdict | None:
    """1 if the answer block holds the expected answer, else 0. Abstains if the problem has no answer."""
    if problem.answer is None:
        return None
    extracted = last_answer(rollout.response)
    if extracted is None:
        return Verdict(value=0.0, why="no answer block")
    return Verdict(value=float(same(extracted, str(problem.answer))), why=f"extracted {extracted!r}, expected {str(problem.answer)!r}")


def same(extracted: str, expected: str) -> bool:
    a, b = number(extracted), number(expected)
    if a is not None and b is not None:
        return a == b
    return " ".join(extracted.split()).casefold() == " ".join(expected.split()).casefold()


def number(text: str) -> Fraction | None:
    text = _THOUSANDS.sub("", text.strip())
    if not _NUMBER.fullmatch(text):
        return None
    top, _, bottom = text.partition("/")
    return Fraction(top) / Fraction(bottom or 1) if not bottom or int(bottom) else None
