"""Is the answer, character for character, the expected one (or one of several)?

Covered: white space around the answer does not count, nor does how a letter with an accent is composed; letter case
counts unless `ignore_case`. Not covered: anything that means the same but is written differently; see `answer`, `math`.
"""

from __future__ import annotations

import unicodedata

from rewards import Problem, Rollout, Verdict, reward
from rewards._text import read, short


@reward("exact")
def exact(problem: Problem, rollout: Rollout, *, ignore_case: bool = False, within: str = "answer") -> Verdict | None:
    """1 where the answer is an accepted one, else 0. Abstains where the problem has none.

    ignore_case: whether letter case does not matter
    within: where the answer stands: answer (the last answer block), response (all that follows the thought)
    """
    given = read("exact", rollout, within)
    if problem.answer is None:
        return None
    accepted = [str(a) for a in problem.answer] if isinstance(problem.answer, list | tuple) else [str(problem.answer)]
    wanted = short(accepted[0]) if len(accepted) == 1 else f"one of {len(accepted)} answers"
    if given is None:
        return Verdict(value=0.0, why=f"no {within}, expected {wanted}")
    same = _plain(given, ignore_case) in {_plain(a, ignore_case) for a in accepted}
    return Verdict(value=float(same), why=f"extracted {short(given)}, expected {wanted}")


def _plain(text: str, ignore_case: bool) -> str:
    text = unicodedata.normalize("NFC", text.strip())
    return text.casefold() if ignore_case else text
