r"""Does the answer match a pattern from the config?

Covered: Python's pattern syntax, with inline flags such as `(?i)`; `{answer}` in the pattern stands for the expected answer,
taken literally. The pattern has to match all of the text unless `search` says that a part is enough.
Not covered: a pattern that explodes, such as `(a+)+$`. Python's engine cannot be stopped from inside; the scoring
worker's deadline ends it (the verdict is then timed out), so such a pattern needs scoring.workers of 1 or more.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rewards import Problem, Rollout, Verdict, reward
from rewards._options import OptionError
from rewards._text import read, short

MAX_CHARACTERS = 100_000
ANSWER = "{answer}"


@reward("regex")
def regex(problem: Problem, rollout: Rollout, *, pattern: str, search: bool = False, within: str = "answer") -> Verdict | None:
    """1 where the pattern matches, else 0. Abstains where the pattern needs an answer that the problem does not have.

    pattern: what has to match; {answer} stands for the expected answer
    search: whether a part of the text is enough
    within: where to look: answer (the last answer block), response (all that follows the thought), thought
    """
    _compiled(pattern.replace(ANSWER, "x"))
    given = read("regex", rollout, within)
    if ANSWER in pattern and problem.answer is None:
        return None
    if given is None:
        return Verdict(value=0.0, why=f"no {within}")
    if len(given) > MAX_CHARACTERS:
        return Verdict(value=0.0, why=f"longer than {MAX_CHARACTERS} characters")
    compiled = _compiled(pattern.replace(ANSWER, re.escape(str(problem.answer))))
    found = compiled.search(given) if search else compiled.fullmatch(given)
    if found is None:
        return Verdict(value=0.0, why=f"no match for {short(compiled.pattern)} in {short(given)}")
    return Verdict(value=1.0, why=f"{short(found.group())} matches {short(compiled.pattern)}")


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise OptionError(f"rewards.regex.pattern {pattern!r} is no pattern: {error}") from error
