"""The chosen rules: their weights and options, the total, and the right rule, which decides whether a response is correct."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from r1lite.registry import load_plugins, unknown
from r1lite.scoring.functions import Functions
from r1lite.types import Problem, Rollout, Verdict
from rewards import OptionError, refuse_former, rewards

Verdicts = Mapping[str, Verdict]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """Weights, gates and options by rule. Plain values, except for `functions`."""

    weights: Mapping[str, float]
    options: Mapping[str, Mapping[str, Any]]
    gates: frozenset[str] = frozenset()  # rules that must give at least 1, or nothing is paid
    by_span: frozenset[str] = frozenset()  # rules whose part of the advantage goes to the tokens of their spans alone
    right_rule: str = ""  # the rule that decides whether a response is correct
    right_at: float = 1.0  # its smallest value for a correct response
    plugins: tuple[str, ...] = ()
    functions: Functions = field(default_factory=dict)  # rules of this process that a worker cannot look up
    tasks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # rule -> the parts of a mixture that it scores; all if absent
    right_rules: Mapping[str, str] = field(default_factory=dict)  # part of a mixture -> its right rule

    @classmethod
    def from_config(
        cls,
        chosen: Mapping[str, Mapping[str, Any] | None],
        plugins: Sequence[str] = (),
        *,
        right_rule: str = "",
        right_at: float = 1.0,
    ) -> Rules:
        """Raise ValueError for whatever is wrong with the choice, before any work."""
        load_plugins(plugins)
        weights, options, gates, by_span, tasks = {}, {}, set(), set(), {}
        for name, settings in chosen.items():
            if not isinstance(settings or {}, Mapping):
                raise ValueError(f"rewards.{name} holds settings, such as rewards.{name}.weight=1; got {settings!r}")
            settings = dict(settings or {})
            refuse_former(name, rewards[name], rewards.declarations())
            if settings.pop("gate", False):
                gates.add(name)
            if _is_credited_by_span(name, settings.pop("credit", "response")):
                by_span.add(name)
            if (parts := settings.pop("tasks", None)) is not None:
                tasks[name] = _tasks(name, parts)
            weights[name] = _weight(name, settings.pop("weight", 0.0 if name in gates else 1.0))
            options[name] = rewards.bind(name, settings)
            check_options(name, options[name])
        deciding = _deciding(list(weights), right_rule)
        return cls(
            weights=weights,
            options=options,
            gates=frozenset(gates),
            by_span=frozenset(by_span),
            right_rule=right_rule or max(deciding, key=lambda name: weights[name]),
            right_at=right_at,
            plugins=tuple(plugins),
            functions={name: (rewards[name], rewards.declaration(name)) for name in weights if not rewards.importable(name)},
            tasks=tasks,
            right_rules=_right_rules(deciding, weights, tasks, right_rule),
        )

    def total(self, verdicts: Verdicts) -> float:
        """The weighted sum over the rules that gave a value; the others are left out, not counted as 0.

        If a gate is closed, nothing is paid, but negative values still count.
        """
        return sum(self.parts(verdicts).values())

    def parts(self, verdicts: Verdicts) -> dict[str, float]:
        """What each rule adds to the total."""
        parts = {name: self.weights[name] * v.value for name, v in verdicts.items() if v.value is not None}
        return parts if self._gates_open(verdicts) else {name: part for name, part in parts.items() if part < 0}

    def applies(self, name: str, problem: Problem) -> bool:
        """Whether a rule scores this problem: in a mixture each part has its own rules."""
        return name not in self.tasks or problem.info.get("task") in self.tasks[name]

    def right_for(self, problem: Problem | None) -> str:
        """The right rule of a problem."""
        return self.right_rules.get(problem.info.get("task", ""), self.right_rule) if problem and self.right_rules else self.right_rule

    def is_right(self, verdicts: Verdicts, problem: Problem | None = None) -> bool:
        return bool(self.at_least_right(verdicts[self.right_for(problem)]))

    def at_least_right(self, verdict: Verdict) -> bool | None:
        """What a verdict of the right rule means; None if it has no value."""
        return None if verdict.value is None else verdict.value >= self.right_at

    def order(self, problem: Problem | None = None) -> list[str]:
        """The right rule goes first, because rules with a parameter `right` depend on it."""
        first = self.right_for(problem)
        return [first, *(name for name in self.weights if name != first)]

    def _gates_open(self, verdicts: Verdicts) -> bool:
        values = (verdicts[name].value for name in self.gates)
        return all(value is None or value >= 1 for value in values)


def _is_credited_by_span(name: str, credit: Any) -> bool:
    if credit not in ("response", "spans"):
        raise ValueError(unknown(f"value of rewards.{name}.credit:", str(credit), ["response", "spans"]))
    return credit == "spans"


def _weight(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"rewards.{name}.weight should be a number, got {value!r}")
    return float(value)


def _tasks(name: str, parts: Any) -> tuple[str, ...]:
    if isinstance(parts, str) or not isinstance(parts, Sequence) or not parts or not all(isinstance(part, str) for part in parts):
        raise ValueError(f"rewards.{name}.tasks lists the parts of a mixture that the rule scores, such as [countdown]; got {parts!r}")
    return tuple(parts)


def _deciding(names: Sequence[str], right_rule: str) -> list[str]:
    """The rules that can be the right rule. A penalty is one of them only if it is named or nothing else is left."""
    if not names:
        raise ValueError("no rewards are chosen: set reward=<group>, or rewards.<rule>.weight=1")
    if right_rule and right_rule not in names:
        raise ValueError(unknown("scoring.right_rule", right_rule, names))
    deciding = [name for name in names if rewards.declaration(name).decides]
    if right_rule and right_rule not in deciding:
        raise ValueError(
            f"scoring.right_rule={right_rule} cannot decide whether a response is correct; "
            f"name a rule that can: {', '.join(deciding) or 'none is chosen'}"
        )
    if not deciding:
        raise ValueError(
            f"{', '.join(names)} cannot decide whether a response is correct, and no other rule is chosen: "
            f"add one that can, such as rewards.answer.weight=1"
        )
    return [name for name in deciding if name == right_rule or not rewards.declaration(name).penalty] or deciding


def _right_rules(
    deciding: Sequence[str], weights: Mapping[str, float], tasks: Mapping[str, tuple[str, ...]], right_rule: str
) -> dict[str, str]:
    """The right rule of each part of a mixture that some rule names: scoring.right_rule if it scores that part, else the heaviest."""
    chosen = {}
    for part in sorted({part for parts in tasks.values() for part in parts}):
        own = [name for name in deciding if part in tasks.get(name, (part,))]
        if not own:
            raise ValueError(
                f"no rule decides whether a response to a problem of {part!r} is correct: add one, such as rewards.answer.weight=1"
            )
        chosen[part] = right_rule if right_rule in own else max(own, key=lambda name: weights[name])
    return chosen


def check_options(name: str, options: Mapping[str, Any]) -> None:
    """Call a shipped rule once on an empty rollout: OptionError means that it could not score any rollout with these options."""
    rule, declaration = rewards[name], rewards.declaration(name)
    if not rule.__module__.startswith("rewards."):  # a plugin may hang: the dry run calls it in a worker, with a deadline
        return
    empty = Rollout(problem_id="", index=0, prompt_ids=(), token_ids=(), logprobs=(), text="")
    right = {"right": [None] if declaration.scores_groups else None} if declaration.takes_right else {}
    try:
        rule(Problem(id="", prompt=""), [empty] if declaration.scores_groups else empty, **options, **right)
    except OptionError:
        raise
    except Exception:  # the rule does not accept an empty problem, which says nothing about real ones
        return
