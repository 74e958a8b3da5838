"""Which rollouts are trained on. Plain floats and strings in, plain values out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from r1lite.advantage import ROUNDING, has_signal, known

KEEPS = ("signal", "all", "above_mean", "top_fraction")


def kept(rewards: Sequence[float], *, keep: str = "signal", fraction: float = 1.0) -> list[bool]:
    """For each rollout of one group, whether it is trained on. Advantages are taken before, against the whole group.

    signal        the group, if its rewards differ
    all           the group, whatever its rewards
    above_mean    what scored strictly above the group's mean: the hard filter
    top_fraction  the best of the group, by reward: the soft filter. So many as the fraction gives, rounded down, but
                  at least one; of equals at the edge, those sampled first. A group of equals keeps nothing.
    """
    known(keep=(keep, KEEPS))
    if keep == "all":
        return [True] * len(rewards)
    if not has_signal(rewards):
        return [False] * len(rewards)
    if keep == "above_mean":
        mean = math.fsum(rewards) / len(rewards)
        return [r > mean and not math.isclose(r, mean, rel_tol=ROUNDING, abs_tol=ROUNDING) for r in rewards]
    if keep == "top_fraction":
        if not 0 < fraction <= 1:
            raise ValueError(f"algorithm.keep_fraction must lie above 0 and at most at 1, got {fraction}")
        # 0.29 of 100 is 28.999999999999996 in floating point, and means 29.
        count = max(1, math.floor(fraction * len(rewards) + ROUNDING))
        best = set(sorted(range(len(rewards)), key=lambda i: -rewards[i])[:count])  # sorting keeps the order of equals
        return [i in best for i in range(len(rewards))]
    return [True] * len(rewards)
