"""Rules that score a rollout. One file per rule; a file's name is the rule's name.

A rule is a plain function `rule(problem, rollout, *, option=...) -> Verdict | float | None`; None means "I abstain".
"""

from collections.abc import Callable
from typing import Any

from r1lite.registry import Registry
from r1lite.types import Problem, Rollout, Verdict

Rule = Callable[..., Verdict | float | None]

rewards: Registry[Rule] = Registry("reward", "rewards")
reward = rewards


def needs(problem: Problem, column: str) -> Any:
    """A column that a rule cannot do without."""
    if column not in problem.info:
        raise KeyError(f"the problem has no column {column!r}; it has {', '.join(problem.info) or 'none'}. Map one with task.columns.")
    return problem.info[column]


__all__ = ["Problem", "Rollout", "Rule", "Verdict", "needs", "reward", "rewards"]
