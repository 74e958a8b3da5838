"""Rules that score a rollout. One file per rule; the file's name is the rule's name.

A rule is a plain function `rule(problem, rollout, *, option=...) -> Verdict | float | None`; None means "I abstain".
`@reward(...)` registers it under a name and declares what the scorer has to know. Two parameter names declare the rest:
a rule whose second parameter is named `rollouts` receives a whole group and returns a list, one verdict per rollout; a
rule with a keyword-only parameter `right` receives whether the response is correct (for a group: a list). That is no option.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, overload

from r1lite.registry import Registry
from r1lite.text.response import last_answer, parse
from r1lite.types import Problem, Rollout, Span, Verdict
from rewards._declaration import Declaration, declared, refuse_former
from rewards._options import OptionError

VerdictLike = Verdict | float | None
Rule = Callable[..., VerdictLike | Sequence[VerdictLike]]
R = TypeVar("R", bound=Rule)

rewards: Registry[Rule, Declaration] = Registry("reward", "rewards", supplied=("right",))


@overload
def reward(rule: R, /) -> R: ...
@overload
def reward(
    name: str = "",
    /,
    *,
    deadline: float | Callable[..., float] = 0.0,
    warm_up: Callable[..., object] | None = None,
    decides: bool = True,
    penalty: bool = False,
    evidence: Callable[..., Sequence[Span]] | None = None,
    reads: Callable[..., str] | None = None,
) -> Callable[[R], R]: ...
def reward(
    name: str | Rule = "",
    /,
    *,
    deadline: float | Callable[..., float] = 0.0,
    warm_up: Callable[..., object] | None = None,
    decides: bool = True,
    penalty: bool = False,
    evidence: Callable[..., Sequence[Span]] | None = None,
    reads: Callable[..., str] | None = None,
) -> Any:
    """Register a rule: `@reward("brief")`, or `@reward` for a rule that is named like its function.

    deadline: seconds that a verdict may take if that is more than scoring.seconds, or a function of the options
    warm_up: a function of the options, called in each worker before the first verdict, outside of any deadline
    decides: whether it can be the right rule, which decides whether a response is correct
    penalty: whether it only subtracts; such a rule is the right rule only if no other rule can be
    evidence: a function of the response and the options: the spans of verdicts that name none themselves
    reads: a function of the expected answer and the options: how a response would be compared with it, for `r1lite audit`
    """

    def register(rule: R) -> R:
        own = name if isinstance(name, str) and name else getattr(rule, "__name__", "")
        if own == "<lambda>" or not own:
            raise ValueError(f"{rule!r} has no name to register it under; name it: reward('my_rule')(function)")
        declaration = declared(rule, deadline=deadline, warm_up=warm_up, decides=decides, penalty=penalty, evidence=evidence, reads=reads)
        rewards.register(own, rule, declaration)
        return rule

    return register if isinstance(name, str) else register(name)


def needs(problem: Problem, column: str) -> Any:
    """A column that a rule cannot do without."""
    if column not in problem.info:
        raise KeyError(f"the problem has no column {column!r}; it has {', '.join(problem.info) or 'none'}. Map one with task.columns.")
    return problem.info[column]


__all__ = [
    "Declaration",
    "OptionError",
    "Problem",
    "Rollout",
    "Rule",
    "Span",
    "Verdict",
    "VerdictLike",
    "last_answer",
    "needs",
    "parse",
    "refuse_former",
    "reward",
    "rewards",
]
