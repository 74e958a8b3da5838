"""Verdicts of the chosen rules on rollouts, rule by rule."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from r1lite.registry import load_plugins
from r1lite.scoring.rules import Rules
from r1lite.types import Group, Problem, Rollout, Span, Verdict
from rewards import VerdictLike, rewards

ByRule = dict[str, list[Verdict]]  # rule -> its verdicts so far, in the order of the rollouts
NOT_APPLICABLE = Verdict(value=None, outcome="abstained")  # the problem belongs to another part of the mixture


def verdicts_of(rules: Rules, group: Group) -> list[dict[str, Verdict]]:
    """For each rollout of a group, the verdict of every rule."""
    so_far: ByRule = {}
    for _ in stream_verdicts(rules, group, so_far):
        pass
    return as_rows(rules, group, so_far)


def stream_verdicts(rules: Rules, group: Group, so_far: ByRule) -> Iterator[tuple[str, list[Verdict]]]:
    """Verdicts one by one, continuing after `so_far`, which they are added to. A rule on groups gives all of its verdicts at once."""
    load_plugins(rules.plugins)
    for name in rules.order(group.problem):
        verdicts = so_far.setdefault(name, [])
        right = _right(rules, group, so_far)
        while len(verdicts) < len(group.rollouts):
            if rewards.declaration(name).scores_groups:
                new = _verdicts_on_group(rules, name, group, right)
            else:
                at = len(verdicts)
                new = [verdict_of(rules, name, group.problem, group.rollouts[at], right=right[at])]
            verdicts += new
            yield name, new


def next_missing(rules: Rules, group: Group, so_far: ByRule) -> tuple[str, int] | None:
    """The rule whose verdict is due next, and how many verdicts it gives at once."""
    for name in rules.order(group.problem):
        if left := len(group.rollouts) - len(so_far.get(name, ())):
            return name, left if rewards.declaration(name).scores_groups else 1
    return None


def as_rows(rules: Rules, group: Group, so_far: ByRule) -> list[dict[str, Verdict]]:
    """The verdicts by rollout; the rules in the order of the configuration."""
    return [{name: so_far[name][i] for name in rules.weights} for i in range(len(group.rollouts))]


def verdict_of(rules: Rules, name: str, problem: Problem, rollout: Rollout, *, right: bool | None = None) -> Verdict:
    """One rule on one rollout. A rule that raises has failed: its value is missing, not 0."""
    load_plugins(rules.plugins)
    if not rules.applies(name, problem):
        return NOT_APPLICABLE
    if rollout.failure is not None:
        return rollout.failure
    try:
        return _with_evidence(rules, name, _call(rules, name, problem, rollout, right), rollout)
    except (Exception, SystemExit) as error:  # a rule may be third-party code, and one rollout must not end a run
        return _failed(error)


def _verdicts_on_group(rules: Rules, name: str, group: Group, right: list[bool | None]) -> list[Verdict]:
    if not rules.applies(name, group.problem):
        return [NOT_APPLICABLE] * len(group.rollouts)
    try:
        whole = [i for i, rollout in enumerate(group.rollouts) if rollout.failure is None]
        rollouts = [group.rollouts[i] for i in whole] if len(whole) < len(group.rollouts) else group.rollouts
        values = list(_call(rules, name, group.problem, rollouts, [right[i] for i in whole])) if whole else []
        if len(values) != len(whole):
            raise ValueError(f"the rule gave {len(values)} verdicts for {len(whole)} rollouts")
        verdicts = iter([_with_evidence(rules, name, value, rollout) for value, rollout in zip(values, rollouts, strict=True)])
        return [rollout.failure or next(verdicts) for rollout in group.rollouts]
    except (Exception, SystemExit) as error:  # as above
        return [rollout.failure or _failed(error) for rollout in group.rollouts]


def _right(rules: Rules, group: Group, so_far: ByRule) -> list[bool | None]:
    """Whether each rollout is correct; None if the right rule gave no value, or has not run yet."""
    known = [rules.at_least_right(verdict) for verdict in so_far[rules.right_for(group.problem)]]
    return [*known, *[None] * (len(group.rollouts) - len(known))]


def _call(rules: Rules, name: str, problem: Problem, rollouts: Any, right: Any) -> Any:
    takes_right = rewards.declaration(name).takes_right
    return rewards[name](problem, rollouts, **rules.options[name], **({"right": right} if takes_right else {}))


def _with_evidence(rules: Rules, name: str, returned: VerdictLike, rollout: Rollout) -> Verdict:
    """What a rule returned as a verdict, with the spans that the rule declares if it names none."""
    verdict = as_verdict(returned, rollout.response)
    evidence = rewards.declaration(name).evidence
    if evidence is None or verdict.spans or verdict.value is None:
        return verdict
    return replace(verdict, spans=_checked(evidence(rollout.response, **rules.options[name]), rollout.response))


def _failed(error: BaseException) -> Verdict:
    return Verdict(value=None, why=f"{type(error).__name__}: {error}", outcome="failed")


def as_verdict(returned: VerdictLike, response: str = "") -> Verdict:
    """What a rule may return, as a Verdict: a Verdict, a finite number, or None for "I abstain"."""
    verdict = returned if isinstance(returned, Verdict) else Verdict(value=None if returned is None else float(returned))
    # A lone surrogate, which a model's JSON may contain, cannot be written to the ledger as UTF-8.
    why = str(verdict.why).encode(errors="backslashreplace").decode()
    if verdict.value is None:
        outcome = "abstained" if verdict.outcome == "scored" else verdict.outcome
        return Verdict(value=None, why=why, outcome=outcome, how=str(verdict.how), spans=_checked(verdict.spans, response))
    value = float(verdict.value)
    if not math.isfinite(value):
        raise ValueError(f"the rule returned {value}, which is not a finite number")
    return Verdict(value=value, why=why, outcome=verdict.outcome, how=str(verdict.how), spans=_checked(verdict.spans, response))


def _checked(spans: Sequence[Span], response: str) -> tuple[Span, ...]:
    """The spans in order. Raise ValueError for one that is empty or not within the response."""
    for start, end in spans:
        if not 0 <= start < end <= len(response):
            raise ValueError(f"the rule returned the span ({start}, {end}) of a response of {len(response)} characters")
    return tuple(sorted((int(start), int(end)) for start, end in spans))
