r"""Does the answer match a pattern from the config?

Covered: Python's pattern syntax, with inline flags such as `(?i)`; `{answer}` in the pattern stands for the expected answer,
taken literally. The pattern has to match the whole text unless `search` is set.
Not covered: patterns with exponential backtracking, such as `(a+)+$`. Only the deadline of a scoring worker can end them (the
verdict is then timed out), so they need scoring.workers of at least 1.
"""

from __future__ import annotations

import re
from functools import lru_cache

from r1lite.text.response import find_span
from rewards import Problem, Rollout, Verdict, reward
from rewards._options import OptionError
from rewards._text import read, short

MAX_CHARACTERS = 100_000
ANSWER = "{answer}"


@reward("regex")
def regex(problem: Problem, rollout: Rollout, *, pattern: str, search: bool = False, within: str = "answer") -> Verdict | None:
    """1 if the pattern matches, else 0. Abstains if the pattern needs an answer that the problem does not have.

    pattern: the pattern; {answer} stands for the expected answer
    search: whether the pattern may match a part of the text
    within: where to look: answer (the last answer block), response (everything after the thought), thought
    """
    _compiled(pattern.replace(ANSWER, "x"))
    text = read("regex", rollout, within)
    if ANSWER in pattern and problem.answer is None:
        return None
    if text is None:
        return Verdict(value=0.0, why=f"no {within}")
    if len(text) > MAX_CHARACTERS:
        return Verdict(value=0.0, why=f"longer than {MAX_CHARACTERS} characters")
    compiled = _compiled(pattern.replace(ANSWER, re.escape(str(problem.answer))))
    match = compiled.search(text) if search else compiled.fullmatch(text)
    if match is None:
        return Verdict(value=0.0, why=f"no match for {short(compiled.pattern)} in {short(text)}")
    spans = find_span(rollout.response, match.group(), after=rollout.response.rfind(text))
    return Verdict(value=1.0, why=f"{short(match.group())} matches {short(compiled.pattern)}", spans=spans)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise OptionError(f"rewards.regex.pattern {pattern!r} is not a valid pattern: {error}") from error
