"""What a rule declares about itself: in `@reward(...)`, and by two parameter names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from r1lite.registry import place
from r1lite.types import Span

# Names that a rule's module once defined beside the rule, and the arguments that replace them.
FORMER = {"SAYS_RIGHT": "decides=False", "PAYS": "penalty=True", "warm_up": "warm_up=warm_up", "deadline": "deadline=deadline"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Declaration:
    """The arguments of `@reward(...)`, and what the rule's signature says."""

    deadline: float | Callable[..., float] = 0.0  # seconds that a verdict may take; a function computes them from the options
    warm_up: Callable[..., object] | None = None  # called with the options in each worker, before the first verdict
    decides: bool = True  # whether it can be the right rule, which decides whether a response is correct
    penalty: bool = False  # it only subtracts, so it is the right rule only if no other rule can be
    scores_groups: bool = False  # a parameter is named `rollouts`: it receives a whole group
    evidence: Callable[..., Sequence[Span]] | None = None  # of a response and the options: the spans of verdicts that name none
    reads: Callable[..., str] | None = None  # of the expected answer and the options: how a response would be compared with it
    takes_right: bool = False  # a parameter is named `right`: it receives whether the response is correct

    def seconds(self, options: Mapping[str, Any]) -> float:
        """The deadline of a rule with these options; 0 if scoring.seconds is enough."""
        return float(self.deadline(**options)) if callable(self.deadline) else self.deadline


def declared(rule: Callable[..., Any], *, decides: bool, **arguments: Any) -> Declaration:
    """The arguments, completed from the rule's signature: a rule that takes `right` cannot decide it."""
    parameters = inspect.signature(rule).parameters
    takes_right = "right" in parameters
    return Declaration(
        decides=decides and not takes_right,
        **arguments,
        scores_groups="rollouts" in parameters,
        takes_right=takes_right,
    )


def refuse_former(name: str, rule: Callable[..., Any], declarations: Iterable[Declaration]) -> None:
    """Raise ValueError if the rule's module defines one of the former names and no rule declares it."""
    module = getattr(inspect.unwrap(rule), "__globals__", {})
    in_use = [argument for d in declarations for argument in (d.deadline, d.warm_up)]
    found = [former for former in FORMER if _is_former(module.get(former), rule, in_use)]
    if found:
        arguments = ", ".join(FORMER[former] for former in found if module[former] is not True)
        raise ValueError(
            f"rule {name!r} ({place(rule)}): its module defines {' and '.join(found)}, which r1lite no longer reads. "
            f"Write @reward({name!r}{', ' if arguments else ''}{arguments}) below the functions it names, and delete the constants. "
            f"Rename what was never meant for r1lite."
        )


def _is_former(value: object, rule: Callable[..., Any], in_use: Sequence[object]) -> bool:
    own_function = callable(value) and getattr(value, "__module__", None) == rule.__module__ and value is not rule
    return isinstance(value, bool) or (own_function and value not in in_use)
