"""Metrics of scored groups. Pure: plain values in, plain values out."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from r1lite.advantage import has_signal
from r1lite.types import Scored, Totals

Groups = Sequence[Sequence[Scored]]


def judged(scored: Scored) -> bool:
    """Whether the reward is known: after a failure or a timeout of a rule it is unknown, which is not 0."""
    outcomes = {v.outcome for v in scored.verdicts.values()}
    return "scored" in outcomes and not outcomes & {"failed", "timed_out"}


def failed_share(groups: Groups) -> float:
    """The share of rollouts on which some rule failed or timed out."""
    broken = [any(v.outcome in ("failed", "timed_out") for v in s.verdicts.values()) for group in groups for s in group]
    return statistics.fmean(broken) if broken else 0.0


def rewards_of(group: Sequence[Scored]) -> list[float]:
    return [s.reward for s in group if judged(s)]


def totals_of_judged(groups: Groups) -> Totals:
    """The divisors of a step in which groups without signal count as well."""
    lengths = [s.rollout.written for group in groups for s in group if judged(s)]
    return Totals(tokens=sum(lengths), sequences=len(lengths))


def rollout_metrics(groups: Groups) -> dict[str, float]:
    """Metrics of one step's rollouts. The rewards are those of the judged ones; everything else is over all of them."""
    everyone = [s for group in groups for s in group]
    whole = [s for s in everyone if judged(s)]
    rewards = [s.reward for s in whole]
    lengths = [s.rollout.written for s in everyone]
    metrics = {
        "zero_variance_share": statistics.fmean(not has_signal(rewards_of(group)) for group in groups),
        "response/length_mean": statistics.fmean(lengths),
        "response/clipped_share": statistics.fmean(s.rollout.finish == "length" for s in everyone),
        "tokens/prompt": sum(len(group[0].rollout.prompt_ids) for group in groups if group),
        "tokens/completion": sum(lengths),
    }
    if rewards:  # without judged rollouts there is no mean, and 0 would be wrong
        metrics |= {"reward/mean": statistics.fmean(rewards), "reward/std": statistics.stdev(rewards) if len(rewards) > 1 else 0.0}
    return metrics | _of_episodes(everyone) | _by_rule(everyone)


def _of_episodes(everyone: Sequence[Scored]) -> dict[str, float]:
    """How many turns the model took, how much it read, and which limits it met."""
    rollouts = [s.rollout for s in everyone if s.rollout.ended]
    if not rollouts:
        return {}
    return {
        "episode/turns_mean": statistics.fmean(sum(turn.sampled for turn in r.turns) for r in rollouts),
        "episode/given_mean": statistics.fmean(len(r.token_ids) - r.written for r in rollouts),
        "episode/turn_limit_share": statistics.fmean(r.ended == "turns" for r in rollouts),
        "episode/failed_share": statistics.fmean(r.ended == "failed" for r in rollouts),
    }


def _by_rule(everyone: Sequence[Scored]) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for rule in everyone[0].verdicts if everyone else ():
        verdicts = [s.verdicts[rule] for s in everyone]
        values = [v.value for v in verdicts if v.value is not None]
        if values:
            metrics[f"reward/{rule}"] = statistics.fmean(values)
        for outcome in ("abstained", "failed", "timed_out"):
            if share := statistics.fmean(v.outcome == outcome for v in verdicts):
                metrics[f"outcome/{rule}/{outcome}"] = share
    return metrics
