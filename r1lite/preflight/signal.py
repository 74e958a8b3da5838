"""How many groups of each size would carry signal, estimated from a few rollouts of each problem. Pure.

Pass rates differ between problems, and a few rollouts do not tell them apart: 0 of 8 may be a rate of 0.1. So the rates of a
problem (of each value that its reward takes) are taken as drawn from a Dirichlet distribution around those of all problems, and
its unknown concentration is averaged over. That gives every group size, also larger ones than were sampled.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence

SIZES = (2, 4, 8, 16, 32)
CONCENTRATIONS = tuple(0.02 * 2 ** (step / 2) for step in range(37))  # to 5,000: from all or nothing to the same rates everywhere
ENOUGH = 0.5  # share of groups with signal that a group size should reach
BINS = ("0", "to 1/4", "to 1/2", "to 3/4", "below 1", "1")


def live_shares(values: Sequence[Sequence[Hashable]], sizes: Sequence[int] = SIZES) -> dict[int, float]:
    """For each group size, the expected share of groups whose values are not all equal. `values` has a row for each problem."""
    rows = [Counter(row) for row in values if row]
    pooled = Counter(value for row in values for value in row)
    total = sum(pooled.values())
    if len(pooled) < 2:
        return dict.fromkeys(sizes, 0.0)
    rates = {value: count / total for value, count in pooled.items()}
    likelihoods = [sum(_log_likelihood(row, rates, s) for row in rows) for s in CONCENTRATIONS]
    weights = [math.exp(x - max(likelihoods)) for x in likelihoods]
    shares = dict.fromkeys(sizes, 0.0)
    for weight, s in zip(weights, CONCENTRATIONS, strict=True):
        for size in sizes:
            alike = sum(_all_alike(row, rates, s, size) for row in rows) / len(rows)
            shares[size] += weight / sum(weights) * (1 - alike)
    return shares


def _log_likelihood(row: Counter[Hashable], rates: dict[Hashable, float], s: float) -> float:
    rest = sum(math.lgamma(s * rates[value] + count) - math.lgamma(s * rates[value]) for value, count in row.items())
    return math.lgamma(s) - math.lgamma(s + row.total()) + rest


def _all_alike(row: Counter[Hashable], rates: dict[Hashable, float], s: float, size: int) -> float:
    """The probability that all rollouts of another group of this problem have the same value."""
    below = s + row.total()
    alike = 0.0
    for value, rate in rates.items():
        chance, own = 1.0, s * rate + row[value]
        for drawn in range(size):
            chance *= (own + drawn) / (below + drawn)
        alike += chance
    return alike


def size_for(shares: dict[int, float], enough: float = ENOUGH) -> int | None:
    """The smallest group size of which enough groups carry signal."""
    return next((size for size, share in sorted(shares.items()) if share >= enough), None)


def most_likely_live(rollouts: int, group_size: int) -> float:
    """If no group carried signal in so many rollouts: the share of groups that may, at most, with 95% confidence."""
    return 1 - (1 - min(1.0, 3 / max(1, rollouts))) ** group_size


def histogram(passes: Sequence[float]) -> dict[str, int]:
    """Problems by their share of right rollouts: never, in quarters, always."""
    counts: dict[str, int] = dict.fromkeys(BINS, 0)
    for share in passes:
        counts["0" if share <= 0 else "1" if share >= 1 else BINS[1 + min(3, math.ceil(share * 4) - 1)]] += 1
    return counts
