"""Rules that score a rollout. One file per rule; a file's name is the rule's name.

A rule is a plain function `rule(problem, rollout, *, option=...) -> Verdict | float | None`; None means "I abstain".
A rule whose second parameter is named `rollouts` sees a whole group and gives a list, one verdict a rollout. A rule that
has a keyword-only parameter `right` is told whether the response is right (for a group: a list); it is no option.
"""

import inspect
import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from r1lite.registry import Registry
from r1lite.text.response import last_answer, parse
from r1lite.types import Problem, Rollout, Verdict
from rewards._options import OptionError

Given = Verdict | float | None
Rule = Callable[..., Given | Sequence[Given]]

rewards: Registry[Rule] = Registry("reward", "rewards", supplied=("right",))
reward = rewards


def needs(problem: Problem, column: str) -> Any:
    """A column that a rule cannot do without."""
    if column not in problem.info:
        raise KeyError(f"the problem has no column {column!r}; it has {', '.join(problem.info) or 'none'}. Map one with task.columns.")
    return problem.info[column]


@cache
def sees_group(rule: Rule) -> bool:
    return "rollouts" in inspect.signature(rule).parameters


@cache
def wants_right(rule: Rule) -> bool:
    return "right" in inspect.signature(rule).parameters


def says_right(rule: Rule) -> bool:
    """Whether a rule may say that a response is right: not one that asks it itself, nor one whose file says SAYS_RIGHT = False."""
    return not wants_right(rule) and getattr(sys.modules[rule.__module__], "SAYS_RIGHT", True)


def pays(rule: Rule) -> bool:
    """Whether a rule ever gives anything: one whose file says PAYS = False only takes away."""
    return getattr(sys.modules[rule.__module__], "PAYS", True)


__all__ = [
    "Given",
    "OptionError",
    "Problem",
    "Rollout",
    "Rule",
    "Verdict",
    "last_answer",
    "needs",
    "parse",
    "pays",
    "reward",
    "rewards",
    "says_right",
    "sees_group",
    "wants_right",
]
