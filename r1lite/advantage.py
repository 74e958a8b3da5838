"""Rewards in, advantages out. Plain floats: no tensors, no config, no randomness."""

from __future__ import annotations

import math
from collections.abc import Sequence

CENTERS = ("mean", "none")
SCALES = ("std", "none")


def group_advantages(
    rewards: Sequence[Sequence[float]], *, center: str = "mean", scale: str = "std", eps: float = 1e-4
) -> list[list[float]]:
    """How much better each rollout did than its group.

    `scale="std"` divides by the group's sample deviation (ddof 1) plus eps: the z-score of GRPO. A group whose
    rewards are all equal, a group of one included, says nothing: its advantages are exactly 0.
    """
    if center not in CENTERS:
        raise ValueError(f"unknown center {center!r}. Known: {', '.join(CENTERS)}.")
    if scale not in SCALES:
        raise ValueError(f"unknown scale {scale!r}. Known: {', '.join(SCALES)}.")
    return [_advantages(group, center, scale, eps) for group in rewards]


def has_signal(rewards: Sequence[float]) -> bool:
    """A group teaches something only where its rewards differ."""
    return len(set(rewards)) > 1


def _advantages(group: Sequence[float], center: str, scale: str, eps: float) -> list[float]:
    if not has_signal(group):
        return [0.0] * len(group)
    mean = sum(group) / len(group)
    shifted = [r - mean for r in group] if center == "mean" else list(group)
    if scale == "none":
        return shifted
    deviation = math.sqrt(sum((r - mean) ** 2 for r in group) / (len(group) - 1))
    return [a / (deviation + eps) for a in shifted]
