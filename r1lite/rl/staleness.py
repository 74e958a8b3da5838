"""Staleness: how many training steps the weights that sampled a rollout lag behind the trainer's. Plain values in and out."""

from __future__ import annotations

import statistics

from r1lite.scoring.metrics import Groups


def staleness(groups: Groups, step: int) -> dict[str, float]:
    """Metrics of a step's tokens and rollouts. A rollout is as stale as its first token.

    Version v of the weights has taken v - 1 steps, and step `step` trains weights that have taken step - 1.
    """
    rollouts = [scored.rollout for group in groups for scored in group]
    spans = [rollout.versions or ((rollout.version, len(rollout.token_ids)),) for rollout in rollouts]
    tokens = sum(count for of_rollout in spans for _, count in of_rollout)
    if not tokens:
        return {}
    return {
        "staleness/mean": sum((step - version) * count for of_rollout in spans for version, count in of_rollout) / tokens,
        "staleness/max": float(max(step - rollout.version for rollout in rollouts)),
        "staleness/mixed_share": statistics.fmean(len(of_rollout) > 1 for of_rollout in spans),
    }
