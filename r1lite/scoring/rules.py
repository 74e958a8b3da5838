"""The chosen rules: what each pays, and when a rollout counts as right. What a rule says of a rollout is in scoring/judging.py."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from r1lite.registry import load_plugins, unknown
from r1lite.types import Problem, Rollout, Verdict

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
    tasks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # rule -> the parts of a mixture that it is for; else all
    right_rules: Mapping[str, str] = field(default_factory=dict)  # part of a mixture -> the rule that says who is right there

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
        from rewards import pays, rewards, says_right

        load_plugins(plugins)
        weights, options, gates, tasks = {}, {}, set(), {}
        for name, settings in chosen.items():
            if not isinstance(settings or {}, Mapping):
                raise ValueError(f"rewards.{name} holds settings, such as rewards.{name}.weight=1; got {settings!r}")
            settings = dict(settings or {})
            if settings.pop("gate", False):
                gates.add(name)
            if (only := settings.pop("tasks", None)) is not None:
                tasks[name] = _tasks(name, only)
            weights[name] = _weight(name, settings.pop("weight", 0.0 if name in gates else 1.0))
            options[name] = rewards.bind(name, settings)
            check_options(name, options[name])
        if not weights:
            raise ValueError("no rewards are chosen: set reward=<group>, or rewards.<rule>.weight=1")
        if right_rule and right_rule not in weights:
            raise ValueError(unknown("scoring.right_rule", right_rule, weights))
        judges = [name for name in weights if says_right(rewards[name])]
        if right_rule and right_rule not in judges:
            raise ValueError(
                f"scoring.right_rule={right_rule} cannot say who is right; name one of {', '.join(judges) or 'none is chosen'}"
            )
        if not judges:
            raise ValueError(
                f"{', '.join(weights)} cannot say who is right, and no other rule is chosen: add one, such as rewards.answer.weight=1"
            )
        judges = [name for name in judges if name == right_rule or pays(rewards[name])] or judges
        heaviest = max(judges, key=lambda name: weights[name])
        return cls(
            weights=weights,
            options=options,
            gates=frozenset(gates),
            right_rule=right_rule or heaviest,
            right_at=right_at,
            plugins=tuple(plugins),
            tasks=tasks,
            right_rules=_right_rules(judges, weights, tasks, right_rule),
        )

    def total(self, verdicts: Verdicts) -> float:
        """The weighted sum over the rules that gave a value; the others are left out, not counted as 0.

        Where a gate does not hold, nothing is paid; what is taken away (a negative verdict) still is.
        """
        parts = [self.weights[name] * v.value for name, v in verdicts.items() if v.value is not None]
        return sum(parts) if self._open(verdicts) else sum(p for p in parts if p < 0)

    def applies(self, name: str, problem: Problem) -> bool:
        """Whether a rule has to do with a problem at all: in a mixture each part keeps its own."""
        return name not in self.tasks or problem.info.get("task") in self.tasks[name]

    def right_for(self, problem: Problem | None) -> str:
        """The rule that says who is right about a problem."""
        return self.right_rules.get(problem.info.get("task", ""), self.right_rule) if problem and self.right_rules else self.right_rule

    def is_right(self, verdicts: Verdicts, problem: Problem | None = None) -> bool:
        value = verdicts[self.right_for(problem)].value
        return value is not None and value >= self.right_at

    def who_is_right(self, verdicts: Sequence[Verdict], count: int) -> list[bool | None]:
        """What the right rule says of `count` rollouts, for the rules that ask; None where it gave no value, or not yet."""
        known = [None if v.value is None else v.value >= self.right_at for v in verdicts]
        return [*known, *[None] * (count - len(known))]

    def order(self, problem: Problem | None = None) -> list[str]:
        """The rule that says who is right goes first, because others ask it."""
        first = self.right_for(problem)
        return [first, *(name for name in self.weights if name != first)]

    def _open(self, verdicts: Verdicts) -> bool:
        values = (verdicts[name].value for name in self.gates)
        return all(value is None or value >= 1 for value in values)


def _weight(name: str, given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        raise ValueError(f"rewards.{name}.weight should be a number, got {given!r}")
    return float(given)


def _tasks(name: str, given: Any) -> tuple[str, ...]:
    if isinstance(given, str) or not isinstance(given, Sequence) or not given or not all(isinstance(g, str) for g in given):
        raise ValueError(f"rewards.{name}.tasks lists the parts of a mixture that the rule is for, such as [countdown]; got {given!r}")
    return tuple(given)


def _right_rules(judges: Sequence[str], weights: Mapping[str, float], tasks: Mapping[str, tuple[str, ...]], named: str) -> dict[str, str]:
    """For each part of a mixture that rules name: the one that is named, where it is for that part, else the heaviest that is."""
    found = {}
    for part in sorted({part for parts in tasks.values() for part in parts}):
        own = [name for name in judges if part in tasks.get(name, (part,))]
        if not own:
            raise ValueError(f"no rule says who is right about the problems of {part!r}: add one, such as rewards.answer.weight=1")
        found[part] = named if named in own else max(own, key=lambda name: weights[name])
    return found


def check_options(name: str, options: Mapping[str, Any]) -> None:
    """Call a shipped rule once on nothing: OptionError says that no rollout could be scored with these options."""
    from rewards import OptionError, rewards, sees_group, wants_right

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
