"""Rewards in, advantages out. Plain floats: no tensors, no config, no randomness.

A group is the rollouts of one prompt. Standard deviations are those of a sample (ddof 1), plus eps. Rewards that differ only by
rounding count as equal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

CENTERS = ("mean", "leave_one_out", "none")
SCALES = ("std", "batch", "mean", "signal", "none")
WHITENINGS = ("none", "tokens", "sequences")
ROUNDING = 1e-9


def group_advantages(
    rewards: Sequence[Sequence[float]],
    *,
    center: str = "mean",
    scale: str = "std",
    eps: float = 1e-4,
    parts: Sequence[Sequence[float]] | None = None,
) -> list[list[float]]:
    """How much better each rollout did than its group.

    center  mean; leave_one_out: the mean of the other rollouts (RLOO); none: the reward itself.
    scale   std: divided by the group's standard deviation (GRPO); batch: by that of all rewards (Lite PPO); mean: by the
            group's mean, or 0 where that is not positive (MaxRL); signal: times the number of all rewards over the number
            of those in groups with signal (GPG); none.

    A group of equal rewards, or of one rollout, carries no signal: its advantages are exactly 0. With center=none rewards are
    not compared within the group, so this holds only for scale=std.

    `parts` of the rewards: their share of the advantages, centred by themselves and divided by the scale of the whole rewards.
    """
    check_choices(center=(center, CENTERS), scale=(scale, SCALES))
    batch = deviation([r for group in rewards for r in group]) if scale == "batch" else 0.0
    alpha = _alpha(rewards) if scale == "signal" else 1.0
    shifted = [_centred(group, center) for group in (rewards if parts is None else parts)]
    return [_scaled(group, row, scale, eps, batch, alpha) for group, row in zip(rewards, shifted, strict=True)]


def has_signal(rewards: Sequence[float]) -> bool:
    """Whether the rewards of a group differ by more than rounding; otherwise it teaches nothing."""
    return len(rewards) > 1 and not math.isclose(min(rewards), max(rewards), rel_tol=ROUNDING, abs_tol=ROUNDING)


def pass_at_k_advantages(rewards: Sequence[Sequence[float]], k: int, *, scale: str = "none", eps: float = 1e-4) -> list[list[float]]:
    """What each rollout adds to the best of k (arXiv 2503.19595), averaged over all sets of k that contain it.

    With k = G only the best rollout has an advantage: its lead over the second best. With k = 1 this is leave-one-out. The
    gradient of the expected best of k is k times the gradient of these advantages' mean. Where a group has fewer than k
    rollouts, k is its size.
    """
    check_choices(scale=(scale, ("std", "none")))
    if k < 1:
        raise ValueError(f"algorithm.pass_k must be at least 1, got {k}")
    if k == 1:
        return group_advantages(rewards, center="leave_one_out", scale=scale, eps=eps)
    return [_scaled(group, _leads(group, min(k, len(group))), scale, eps) for group in rewards]


def gdpo_advantages(
    rules: Sequence[Sequence[Sequence[float | None]]],  # [rule][group][rollout]; None where a rule abstained
    weights: Sequence[float],
    *,
    eps: float = 1e-4,
) -> list[list[float]]:
    """Normalise each rule within its group, add them up by weight, normalise over the batch (GDPO, arXiv 2601.05242).

    Rules of different scale keep their weights, and different verdicts with the same total get different advantages.
    """
    per_rule = [[_z_score(group, eps) for group in groups] for groups in rules]
    sums = [
        [math.fsum(w * z for w, z in zip(weights, of_rollout, strict=True)) for of_rollout in zip(*of_group, strict=True)]
        for of_group in zip(*per_rule, strict=True)
    ]
    batch = [a for group in sums for a in group]
    if not has_signal(batch):
        return [[0.0] * len(group) for group in sums]
    mean, std = _mean(batch), deviation(batch)
    return [[(a - mean) / (std + eps) for a in group] for group in sums]


def token_rewards(reward: float, *, length: int, kl: Sequence[float] = (), kl_coef: float = 0.0) -> list[float]:
    """The reward at the last token of a response, minus kl_coef times the KL (k1 = old_logp - ref_logp) at every token."""
    penalties = [-kl_coef * k for k in kl] or [0.0] * length
    assert len(penalties) == length
    return [*penalties[:-1], penalties[-1] + reward] if length else []


def returns_to_go(rewards: Sequence[float], *, gamma: float = 1.0) -> list[float]:
    """For each token of one sequence, the sum of its reward and the discounted rewards after it."""
    return gae(rewards, [0.0] * len(rewards), gamma=gamma, lam=1.0)[0]


def gae(rewards: Sequence[float], values: Sequence[float], *, gamma: float = 1.0, lam: float = 1.0) -> tuple[list[float], list[float]]:
    """Advantages and returns of one sequence's tokens (arXiv 1506.02438). The value after the last token is 0.

    lam = 0 is the one-step TD error, lam = 1 the full return minus the value (Monte Carlo).
    """
    advantages: list[float] = []
    advantage = next_value = 0.0
    for reward, value in zip(reversed(rewards), reversed(values), strict=True):
        advantage = reward + gamma * next_value - value + gamma * lam * advantage
        next_value = value
        advantages.append(advantage)
    advantages.reverse()
    return advantages, [a + v for a, v in zip(advantages, values, strict=True)]


def whiten(rows: Sequence[Sequence[float]], *, over: str = "tokens", eps: float = 1e-8) -> list[list[float]]:
    """Mean 0 and variance 1 over all tokens, or over the sequences, where each counts once, by the mean of its tokens."""
    check_choices(over=(over, WHITENINGS))
    if over == "none":
        return [list(row) for row in rows]
    seen = [x for row in rows for x in row] if over == "tokens" else [_mean(row) for row in rows if row]
    if not seen:
        return [list(row) for row in rows]
    mean, scale = _mean(seen), 1 / math.sqrt(deviation(seen) ** 2 + eps)
    return [[(x - mean) * scale for x in row] for row in rows]


def deviation(values: Sequence[float]) -> float:
    """The standard deviation of a sample; 0 for fewer than two values."""
    if len(values) < 2:
        return 0.0
    mean = _mean(values)
    return math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))


def check_choices(**choices: tuple[str, Sequence[str]]) -> None:
    """ValueError for a choice that is not among the known names."""
    for part, (chosen, known) in choices.items():
        if chosen not in known:
            raise ValueError(f"unknown {part} {chosen!r}. Known: {', '.join(known)}.")


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _centred(group: Sequence[float], center: str) -> list[float]:
    if center == "none":
        return [float(r) for r in group]
    if not has_signal(group):
        return [0.0] * len(group)
    mean = _mean(group)
    others = len(group) / (len(group) - 1) if center == "leave_one_out" else 1.0
    return [others * (r - mean) for r in group]


def _scaled(group: Sequence[float], shifted: list[float], scale: str, eps: float, batch: float = 0.0, alpha: float = 1.0) -> list[float]:
    match scale:
        case "none":
            return shifted
        case "signal":
            return [alpha * a for a in shifted]
        case "mean":
            mean = _mean(group) if group else 0.0
            return [a / mean for a in shifted] if mean > 0 else [0.0] * len(group)
        case "batch":
            return [a / (batch + eps) for a in shifted]
    if not has_signal(group):
        return [0.0] * len(group)
    return [a / (deviation(group) + eps) for a in shifted]


def _alpha(rewards: Sequence[Sequence[float]]) -> float:
    with_signal = sum(len(group) for group in rewards if has_signal(group))
    return sum(map(len, rewards)) / with_signal if with_signal else 1.0


def _leads(group: Sequence[float], k: int) -> list[float]:
    """The mean lead of each rollout over the best of k - 1 others."""
    if not has_signal(group):
        return [0.0] * len(group)
    sets = math.comb(len(group) - 1, k - 1)
    leads = []
    for i, reward in enumerate(group):
        others = sorted([*group[:i], *group[i + 1 :]])
        # others[j] is the best of comb(j, k - 2) sets.
        leads.append(math.fsum(max(0.0, reward - o) * math.comb(j, k - 2) for j, o in enumerate(others)) / sets)
    return leads


def _z_score(group: Sequence[float | None], eps: float) -> list[float]:
    scores = iter(group_advantages([[r for r in group if r is not None]], eps=eps)[0])
    return [0.0 if r is None else next(scores) for r in group]
