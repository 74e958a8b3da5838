"""How many of a data set's expected answers the rule that decides can check at all: paid to themselves, or not.

Covered: answers for which the rule abstains, fails, or refuses the answer itself. Not covered: answers that it only
accepts in their own words.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from r1lite.commands._trials import gold_response
from r1lite.commands.mutants import as_rollout
from r1lite.scoring.rules import Rules
from r1lite.scoring.verdicts import verdicts_of
from r1lite.text.response import respond
from r1lite.types import Group, Problem

PROBLEMS, SECONDS, SHOWN = 1000, 5.0, 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Golds:
    """The number of expected answers that were tried, and those that cannot be checked, with the reason."""

    tried: int
    unchecked: Sequence[str]

    def lines(self) -> list[str]:
        share = 1 - len(self.unchecked) / max(self.tried, 1)
        more = [f"  ... and {len(self.unchecked) - SHOWN} more"] if len(self.unchecked) > SHOWN else []
        return [f"Expected answers that can be checked: {share:.1%} of the first {self.tried}.", *self.unchecked[:SHOWN], *more]


def check_golds(rules: Rules, task: Any) -> Golds:
    """Score the gold response of the first problems, for a few seconds at most."""
    try:
        problems = list(islice(iter(task.problems("train")), PROBLEMS))
    except ValueError:
        problems = list(islice(iter(task.problems("test")), PROBLEMS))
    started, tried, unchecked = time.monotonic(), 0, list[str]()
    for problem in problems:
        if time.monotonic() - started > SECONDS:
            break
        tried += 1
        if fault := _fault(rules, task, problem):
            unchecked.append(f"  problem {problem.id}, answer {str(problem.answer)[:80]!r}: {fault}")
    return Golds(tried=tried, unchecked=unchecked)


def _fault(rules: Rules, task: Any, problem: Problem) -> str:
    if problem.answer is None and not hasattr(task, "demonstration"):
        return "no answer"
    rollout = as_rollout(respond(gold_response(task, problem)), problem)
    verdict = verdicts_of(rules, Group(problem=problem, rollouts=(rollout,)))[0][rules.right_for(problem)]
    return "" if rules.at_least_right(verdict) else f"{verdict.outcome}{': ' if verdict.why else ''}{verdict.why}"
