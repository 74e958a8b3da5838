"""What the chosen rules say of rollouts: rule by rule, each in its four outcomes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from r1lite.registry import load_plugins
from r1lite.scoring.rules import Rules
from r1lite.types import Group, Problem, Rollout, Verdict

Told = dict[str, list[Verdict]]  # of each rule, the verdicts so far, in the order of the rollouts
NOT_ITS_OWN = Verdict(value=None, outcome="abstained")  # of a rule about a problem of another task


def judge(rules: Rules, group: Group) -> list[dict[str, Verdict]]:
    """Every rule on every rollout of a group."""
    told: Told = {}
    for _ in judgements(rules, group, told):
        pass
    return as_rows(rules, group, told)


def judgements(rules: Rules, group: Group, told: Told) -> Iterator[tuple[str, list[Verdict]]]:
    """Verdicts as they come, beginning where `told` ends; a rule on groups gives all of its verdicts at once."""
    from rewards import rewards, sees_group

    load_plugins(rules.plugins)
    for name in rules.order(group.problem):
        verdicts = told.setdefault(name, [])
        right = rules.who_is_right(told[rules.right_for(group.problem)], len(group.rollouts))
        while len(verdicts) < len(group.rollouts):
            if sees_group(rewards[name]):
                new = judge_group(rules, name, group, right=right)
            else:
                at = len(verdicts)
                new = [judge_one(rules, name, group.problem, group.rollouts[at], right=right[at])]
            verdicts += new
            yield name, new


def next_missing(rules: Rules, group: Group, told: Told) -> tuple[str, int] | None:
    """The rule whose verdict comes next, and how many of them it would give."""
    from rewards import rewards, sees_group

    for name in rules.order(group.problem):
        if left := len(group.rollouts) - len(told.get(name, ())):
            return name, left if sees_group(rewards[name]) else 1
    return None


def as_rows(rules: Rules, group: Group, told: Told) -> list[dict[str, Verdict]]:
    """The verdicts of each rollout, in the order in which the rules were chosen."""
    return [{name: told[name][i] for name in rules.weights} for i in range(len(group.rollouts))]


def judge_group(rules: Rules, name: str, group: Group, *, right: Sequence[bool | None]) -> list[Verdict]:
    """A rule that sees whole groups. One that raises has failed: its values are missing, and never silently 0."""
    if not rules.applies(name, group.problem):
        return [NOT_ITS_OWN] * len(group.rollouts)
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
    if not rules.applies(name, problem):
        return NOT_ITS_OWN
    try:
        return as_verdict(_call(rules, name, problem, rollout, right))
    except (Exception, SystemExit) as error:  # a rule is others' code, and one rollout must not end a run
        return Verdict(value=None, why=f"{type(error).__name__}: {error}", outcome="failed")


def _call(rules: Rules, name: str, problem: Problem, seen: Any, right: Any) -> Any:
    from rewards import rewards, wants_right

    rule = rewards[name]
    supplied = {"right": right} if wants_right(rule) else {}
    return rule(problem, seen, **rules.options[name], **supplied)


def as_verdict(given: Verdict | float | None) -> Verdict:
    """What a rule may return: a Verdict, a finite number, or None for "I abstain"."""
    verdict = given if isinstance(given, Verdict) else Verdict(value=None if given is None else float(given))
    # What cannot be written as UTF-8 (half a character, out of a model's JSON) would end the run in the ledger.
    why = str(verdict.why).encode(errors="backslashreplace").decode()
    if verdict.value is None:
        outcome = "abstained" if verdict.outcome == "scored" else verdict.outcome
        return Verdict(value=None, why=why, outcome=outcome)
    value = float(verdict.value)
    if not math.isfinite(value):
        raise ValueError(f"the rule returned {value}, which is no number to train on")
    return Verdict(value=value, why=why, outcome=verdict.outcome)
