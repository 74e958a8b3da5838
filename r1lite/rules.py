"""The chosen rules: what each says of a rollout, what it pays, and when a rollout counts as right."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from r1lite.registry import load_plugins, unknown
from r1lite.types import Group, Problem, Rollout, Verdict

Verdicts = Mapping[str, Verdict]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """Weights in the total, gates, and options. Plain values, so that a worker process can have them."""

    weights: Mapping[str, float]
    options: Mapping[str, Mapping[str, Any]]
    gates: frozenset[str] = frozenset()  # nothing is paid unless these hold
    right_rule: str = ""  # the rule whose verdict says whether a response is right
    right_at: float = 1.0  # from which value on
    plugins: tuple[str, ...] = ()

    @classmethod
    def from_config(
        cls,
        chosen: Mapping[str, Mapping[str, Any] | None],
        plugins: Sequence[str] = (),
        *,
        right_rule: str = "",
        right_at: float = 1.0,
    ) -> Rules:
        """Everything that can be wrong with the choice is said here, before any work."""
        from rewards import rewards

        load_plugins(plugins)
        weights, options, gates = {}, {}, set()
        for name, settings in chosen.items():
            if not isinstance(settings or {}, Mapping):
                raise ValueError(f"rewards.{name} holds settings, such as rewards.{name}.weight=1; got {settings!r}")
            settings = dict(settings or {})
            if settings.pop("gate", False):
                gates.add(name)
            weights[name] = _weight(name, settings.pop("weight", 0.0 if name in gates else 1.0))
            options[name] = rewards.bind(name, settings)
        if not weights:
            raise ValueError("no rewards are chosen: set reward=<group>, or rewards.<rule>.weight=1")
        if right_rule and right_rule not in weights:
            raise ValueError(unknown("scoring.right_rule", right_rule, weights))
        heaviest = max(weights, key=lambda name: weights[name])
        return cls(
            weights=weights,
            options=options,
            gates=frozenset(gates),
            right_rule=right_rule or heaviest,
            right_at=right_at,
            plugins=tuple(plugins),
        )

    def total(self, verdicts: Verdicts) -> float:
        """The weighted sum over the rules that gave a value; the others are left out, not counted as 0.

        Where a gate does not hold, nothing is paid; what is taken away (a negative verdict) still is.
        """
        parts = [self.weights[name] * v.value for name, v in verdicts.items() if v.value is not None]
        return sum(parts) if self._open(verdicts) else sum(p for p in parts if p < 0)

    def is_right(self, verdicts: Verdicts) -> bool:
        value = verdicts[self.right_rule].value
        return value is not None and value >= self.right_at

    def _open(self, verdicts: Verdicts) -> bool:
        values = (verdicts[name].value for name in self.gates)
        return all(value is None or value >= 1 for value in values)


def _weight(name: str, given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        raise ValueError(f"rewards.{name}.weight should be a number, got {given!r}")
    return float(given)


def judge(rules: Rules, group: Group) -> list[dict[str, Verdict]]:
    """Every rule on every rollout of a group."""
    return [{name: judge_one(rules, name, group.problem, rollout) for name in rules.weights} for rollout in group.rollouts]


def judge_one(rules: Rules, name: str, problem: Problem, rollout: Rollout) -> Verdict:
    """One rule on one rollout. A rule that raises has failed: its value is missing, and never silently 0."""
    from rewards import rewards

    load_plugins(rules.plugins)
    try:
        return as_verdict(rewards[name](problem, rollout, **rules.options[name]))
    except (Exception, SystemExit) as error:  # a rule is others' code, and one rollout must not end a run
        return Verdict(value=None, why=f"{type(error).__name__}: {error}", outcome="failed")


def as_verdict(given: Verdict | float | None) -> Verdict:
    """What a rule may return: a Verdict, a finite number, or None for "I abstain"."""
    verdict = given if isinstance(given, Verdict) else Verdict(value=None if given is None else float(given))
    if verdict.value is None:
        outcome = "abstained" if verdict.outcome == "scored" else verdict.outcome
        return Verdict(value=None, why=verdict.why, outcome=outcome)
    if not math.isfinite(verdict.value):
        raise ValueError(f"the rule returned {verdict.value}, which is no number to train on")
    return verdict
