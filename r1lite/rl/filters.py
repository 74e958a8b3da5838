"""Selects the rollouts that are trained on. Pure: plain floats and strings in, plain values out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from r1lite.advantage import ROUNDING, check_choices, has_signal

KEEPS = ("signal", "all", "above_mean", "top_fraction")


def kept(rewards: Sequence[float], *, keep: str = "signal", fraction: float = 1.0) -> list[bool]:
    """Whether each rollout of one group is trained on. Advantages are computed before, relative to the whole group.

    signal        the whole group, if its rewards differ
    all           the whole group, whatever its rewards
    above_mean    rollouts with a reward strictly above the group's mean: the hard filter
    top_fraction  the rollouts with the highest rewards: the soft filter. The count is the fraction of the group, rounded
                  down, but at least 1; ties go to those sampled first. A group of equal rewards keeps nothing.
    """
    check_choices(keep=(keep, KEEPS))
    if keep == "all":
        return [True] * len(rewards)
    if not has_signal(rewards):
        return [False] * len(rewards)
    if keep == "above_mean":
        mean = math.fsum(rewards) / len(rewards)
        return [r > mean and not math.isclose(r, mean, rel_tol=ROUNDING, abs_tol=ROUNDING) for r in rewards]
    if keep == "top_fraction":
        if not 0 < fraction <= 1:
            raise ValueError(f"algorithm.keep_fraction must be above 0 and at most 1, got {fraction}")
        # 0.29 of 100 is 28.999999999999996 in floating point, and means 29.
        count = max(1, math.floor(fraction * len(rewards) + ROUNDING))
        best = set(sorted(range(len(rewards)), key=lambda i: -rewards[i])[:count])  # sorting is stable
        return [i in best for i in range(len(rewards))]
    return [True] * len(rewards)
