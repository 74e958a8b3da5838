"""How old the weights are that sampled a step's rollouts. Pure: plain values in, plain values out."""

from __future__ import annotations

import statistics

from r1lite.scoring.metrics import Groups


def ages(groups: Groups, step: int) -> dict[str, float]:
    """Metrics, in training steps: 0 if the newest weights sampled a token.

    Version v of the weights has taken v - 1 steps, and step `step` trains weights that have taken step - 1.
    """
    rollouts = [scored.rollout for group in groups for scored in group]
    spans = [rollout.versions or ((rollout.version, len(rollout.token_ids)),) for rollout in rollouts]
    tokens = sum(count for of_rollout in spans for _, count in of_rollout)
    if not tokens:
        return {}
    return {
        "age/mean": sum((step - version) * count for of_rollout in spans for version, count in of_rollout) / tokens,
        "age/max": float(max(step - rollout.version for rollout in rollouts)),
        "age/mixed_share": statistics.fmean(len(of_rollout) > 1 for of_rollout in spans),
    }
