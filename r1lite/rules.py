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
        from rewards import rewards, wants_right

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
            check_options(name, options[name])
        if not weights:
            raise ValueError("no rewards are chosen: set reward=<group>, or rewards.<rule>.weight=1")
        if right_rule and right_rule not in weights:
            raise ValueError(unknown("scoring.right_rule", right_rule, weights))
        judges = [name for name in weights if not wants_right(rewards[name])]
        if right_rule and right_rule not in judges:
            raise ValueError(
                f"scoring.right_rule={right_rule} asks itself who is right; name one of {', '.join(judges) or 'none is chosen'}"
            )
        if not judges:
            raise ValueError(f"{', '.join(weights)} ask who is right, and no chosen rule says so: add one, such as rewards.answer.weight=1")
        heaviest = max(judges, key=lambda name: weights[name])
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

    def who_is_right(self, verdicts: Sequence[Verdict]) -> list[bool | None]:
        """What the right rule says, for the rules that ask; None where it gave no value."""
        return [None if v.value is None else v.value >= self.right_at for v in verdicts]

    def _open(self, verdicts: Verdicts) -> bool:
        values = (verdicts[name].value for name in self.gates)
        return all(value is None or value >= 1 for value in values)


def _weight(name: str, given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        raise ValueError(f"rewards.{name}.weight should be a number, got {given!r}")
    return float(given)


def judge(rules: Rules, group: Group) -> list[dict[str, Verdict]]:
    """Every rule on every rollout of a group. The rule that says who is right goes first, because others ask it."""
    told = {rules.right_rule: judge_rule(rules, rules.right_rule, group, right=[None] * len(group.rollouts))}
    right = rules.who_is_right(told[rules.right_rule])
    told |= {name: judge_rule(rules, name, group, right=right) for name in rules.weights if name != rules.right_rule}
    return [{name: told[name][i] for name in rules.weights} for i in range(len(group.rollouts))]


def judge_rule(rules: Rules, name: str, group: Group, *, right: Sequence[bool | None]) -> list[Verdict]:
    """One rule on a group. A rule that raises has failed: its value is missing, and never silently 0."""
    from rewards import rewards, sees_group

    load_plugins(rules.plugins)
    if not sees_group(rewards[name]):
        return [judge_one(rules, name, group.problem, r, right=ok) for r, ok in zip(group.rollouts, right, strict=True)]
    try:
        given = list(_call(rules, name, group.problem, group.rollouts, right))
        if len(given) != len(group.rollouts):
            raise ValueError(f"the rule gave {len(given)} verdicts for {len(group.rollouts)} rollouts")
        return [as_verdict(g) for g in given]
    except (Exception, SystemExit) as error:  # a rule is others' code, and one group must not end a run
        return [Verdict(value=None, why=f"{type(error).__name__}: {error}", outcome="failed")] * len(group.rollouts)


def judge_one(rules: Rules, name: str, problem: Problem, rollout: Rollout, *, right: bool | None = None) -> Verdict:
    """One rule on one rollout."""
    load_plugins(rules.plugins)
    try:
        return as_verdict(_call(rules, name, problem, rollout, right))
    except (Exception, SystemExit) as error:  # a rule is others' code, and one rollout must not end a run
        return Verdict(value=None, why=f"{type(error).__name__}: {error}", outcome="failed")


def _call(rules: Rules, name: str, problem: Problem, seen: Any, right: Any) -> Any:
    from rewards import rewards, wants_right

    rule = rewards[name]
    supplied = {"right": right} if wants_right(rule) else {}
    return rule(problem, seen, **rules.options[name], **supplied)


def check_options(name: str, options: Mapping[str, Any]) -> None:
    """Call a shipped rule once on nothing: OptionError says that no rollout could be scored with these options."""
    from rewards import rewards, sees_group, wants_right
    from rewards._options import OptionError

    rule = rewards[name]
    if not rule.__module__.startswith("rewards."):  # another's code may hang: it is tried in a worker, with a deadline
        return
    nothing = Rollout(problem_id="", index=0, prompt_ids=(), token_ids=(), logprobs=(), text="")
    supplied = {"right": [None] if sees_group(rule) else None} if wants_right(rule) else {}
    try:
        rule(Problem(id="", prompt=""), [nothing] if sees_group(rule) else nothing, **options, **supplied)
    except OptionError:
        raise
    except Exception:  # others' code, on a problem that is none: only real ones count
        return


def as_verdict(given: Verdict | float | None) -> Verdict:
    """What a rule may return: a Verdict, a finite number, or None for "I abstain"."""
    verdict = given if isinstance(given, Verdict) else Verdict(value=None if given is None else float(given))
    if verdict.value is None:
        outcome = "abstained" if verdict.outcome == "scored" else verdict.outcome
        return Verdict(value=None, why=verdict.why, outcome=outcome)
    if not math.isfinite(verdict.value):
        raise ValueError(f"the rule returned {verdict.value}, which is no number to train on")
    return verdict
