"""Is the answer, character for character, the expected one (or one of several)?

Covered: white space around the answer and the Unicode composition of accents are ignored; letter case counts unless
`ignore_case` is set. Not covered: the same answer written differently; see `answer` and `math`.
"""

from __future__ import annotations

import unicodedata

from rewards import Problem, Rollout, Verdict, reward
from rewards._text import evidence, read, short


@reward("exact", evidence=evidence)
def exact(problem: Problem, rollout: Rollout, *, ignore_case: bool = False, within: str = "answer") -> Verdict | None:
    """1 if the answer is an accepted one, else 0. Abstains if the problem has none.

    ignore_case: whether letter case is ignored
    within: where the answer is: answer (the last answer block), response (everything after the thought)
    """
    extracted = read("exact", rollout, within)
    if problem.answer is None:
        return None
    accepted = [str(a) for a in problem.answer] if isinstance(problem.answer, list | tuple) else [str(problem.answer)]
    expected = short(accepted[0]) if len(accepted) == 1 else f"one of {len(accepted)} answers"
    if extracted is None:
        return Verdict(value=0.0, why=f"no {within}, expected {expected}")
    same = _plain(extracted, ignore_case) in {_plain(a, ignore_case) for a in accepted}
    return Verdict(value=float(same), why=f"extracted {short(extracted)}, expected {expected}")


def _plain(text: str, ignore_case: bool) -> str:
    text = unicodedata.normalize("NFC", text.strip())
    return text.casefold() if ignore_case else text
