"""Several tries at any task: a rule's reason why a response is wrong is the next message.

Covered: the expected answer, which many reasons name, is left out of the message. Not covered: what else a reason reveals, such
as the input of a failed test.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from r1lite.episodes import Episode, episode
from r1lite.scoring.rules import Rules
from r1lite.scoring.verdicts import verdict_of
from r1lite.types import Message, Problem, Rollout, Verdict

AGAIN = "Try again."


@episode("retry")
class Retry(Episode):
    """Ends with the first response that the right rule accepts, or after `tries` of them."""

    def __init__(self, *, rules: Rules, tries: int = 3, reason: bool = True) -> None:
        if tries < 1:
            raise ValueError(f"episode.tries must be at least 1, got {tries}")
        self.rules, self.tries, self.reason, self.tried = rules, tries, reason, 0

    def reset(self, problem: Problem) -> str | Sequence[Message]:
        self.problem = problem
        return problem.prompt

    def step(self, reply: str) -> str | None:
        self.tried += 1
        rule = self.rules.right_for(self.problem)
        rollout = Rollout(problem_id=self.problem.id, index=0, prompt_ids=(), token_ids=(), logprobs=(), text=reply)
        verdict = verdict_of(self.rules, rule, self.problem, rollout)
        if self.rules.at_least_right(verdict) or self.tried >= self.tries:
            return None
        if verdict.outcome in ("failed", "timed_out"):
            raise RuntimeError(f"rule {rule!r} gave no verdict: {verdict.why}")
        why = without_answer(verdict, self.problem) if self.reason else ""
        return f"That is wrong{': ' + why if why else ''}. {AGAIN}"


def without_answer(verdict: Verdict, problem: Problem) -> str:
    """The reason without the clause about what was expected; nothing if the answer is still in it."""
    why = re.split(r"[,;:.(]?\s*\bexpected\b", verdict.why)[0].strip()
    answer = str(problem.answer).strip() if problem.answer is not None else ""
    return "" if answer and re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", why) else why
