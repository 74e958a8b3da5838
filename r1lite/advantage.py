"""Rewards in, advantages out. Plain floats: no tensors, no config, no randomness.

A group is the rollouts of one prompt. Deviations are sample deviations (ddof 1), eps is added to them. Rewards that
differ by rounding alone are equal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

CENTERS = ("mean", "leave_one_out", "none")
SCALES = ("std", "batch", "mean", "signal", "none")
WHITENINGS = ("none", "tokens", "sequences")
ROUNDING = 1e-9


def group_advantages(
    rewards: Sequence[Sequence[float]], *, center: str = "mean", scale: str = "std", eps: float = 1e-4
) -> list[list[float]]:
    """How much better each rollout did than its group.

    center  mean; leave_one_out: the mean of the others (RLOO); none: the reward as it is.
    scale   std: the group's deviation (GRPO); batch: that of all rewards given (Lite PPO); mean: the group's mean, and
            0 where it is not positive (MaxRL); signal: times all rewards over those in groups with signal (GPG); none.

    A group whose rewards are all equal, a group of one included, says nothing: its advantages are exactly 0. Not so
    without a centre, where the reward is not compared with its group: there only scale=std leaves 0 of it.
    """
    known(center=(center, CENTERS), scale=(scale, SCALES))
    batch = deviation([r for group in rewards for r in group]) if scale == "batch" else 0.0
    alpha = _alpha(rewards) if scale == "signal" else 1.0
    return [_scaled(group, _centred(group, center), scale, eps, batch, alpha) for group in rewards]


def has_signal(rewards: Sequence[float]) -> bool:
    """A group teaches something only where its rewards differ by more than rounding."""
    return len(rewards) > 1 and not math.isclose(min(rewards), max(rewards), rel_tol=ROUNDING, abs_tol=ROUNDING)


def pass_at_k_advantages(rewards: Sequence[Sequence[float]], k: int, *, scale: str = "none", eps: float = 1e-4) -> list[list[float]]:
    """What each rollout adds to the best of k (arXiv 2503.19595), averaged over all sets of k that it is in.

    With k = G only the best has any: its lead over the second best. With k = 1 this is leave-one-out. The gradient of
    the expected best of k is k times that of these advantages' mean. A group of fewer than k is taken whole.
    """
    known(scale=(scale, ("std", "none")))
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
    """Each rule normalised within its group, the weighted sum, normalised over the batch (GDPO, arXiv 2601.05242).

    Rules of different scale keep their weights, and two mixes of rules with the same total stay apart.
    """
    per_rule = [[_z_score(group, eps) for group in groups] for groups in rules]
    sums = [
        [math.fsum(w * z for w, z in zip(weights, of_rollout, strict=True)) for of_rollout in zip(*of_group, strict=True)]
        for of_group in zip(*per_rule, strict=True)
    ]
    everyone = [a for group in sums for a in group]
    if not has_signal(everyone):
        return [[0.0] * len(group) for group in sums]
    mean, spread = _mean(everyone), deviation(everyone)
    return [[(a - mean) / (spread + eps) for a in group] for group in sums]


def token_rewards(reward: float, *, length: int, kl: Sequence[float] = (), kl_coef: float = 0.0) -> list[float]:
    """A response's reward at its last token, less the KL (k1 = old_logp - ref_logp) at each."""
    penalties = [-kl_coef * k for k in kl] or [0.0] * length
    assert len(penalties) == length
    return [*penalties[:-1], penalties[-1] + reward] if length else []


def returns_to_go(rewards: Sequence[float], *, gamma: float = 1.0) -> list[float]:
    """What each token of one sequence still gets, itself included."""
    return gae(rewards, [0.0] * len(rewards), gamma=gamma, lam=1.0)[0]


def gae(rewards: Sequence[float], values: Sequence[float], *, gamma: float = 1.0, lam: float = 1.0) -> tuple[list[float], list[float]]:
    """Advantages and returns of one sequence's tokens (arXiv 1506.02438). After the last token nothing is to come.

    lam = 0 is the one-step TD error, lam = 1 the whole return less the value (Monte Carlo).
    """
    advantages: list[float] = []
    ahead = next_value = 0.0
    for reward, value in zip(reversed(rewards), reversed(values), strict=True):
        ahead = reward + gamma * next_value - value + gamma * lam * ahead
        next_value = value
        advantages.append(ahead)
    advantages.reverse()
    return advantages, [a + v for a, v in zip(advantages, values, strict=True)]


def whiten(rows: Sequence[Sequence[float]], *, over: str = "tokens", eps: float = 1e-8) -> list[list[float]]:
    """Mean 0 and variance 1 over all tokens, or over the sequences, each counted once by the mean of its tokens."""
    known(over=(over, WHITENINGS))
    if over == "none":
        return [list(row) for row in rows]
    seen = [x for row in rows for x in row] if over == "tokens" else [_mean(row) for row in rows if row]
    if not seen:
        return [list(row) for row in rows]
    mean, scale = _mean(seen), 1 / math.sqrt(deviation(seen) ** 2 + eps)
    return [[(x - mean) * scale for x in row] for row in rows]


def deviation(values: Sequence[float]) -> float:
    """The sample deviation; 0 of fewer than two."""
    if len(values) < 2:
        return 0.0
    mean = _mean(values)
    return math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))


def known(**choices: tuple[str, Sequence[str]]) -> None:
    for part, (chosen, names) in choices.items():
        if chosen not in names:
            raise ValueError(f"unknown {part} {chosen!r}. Known: {', '.join(names)}.")


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
    """The mean lead of each over the best of k - 1 others."""
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
    judged = iter(group_advantages([[r for r in group if r is not None]], eps=eps)[0])
    return [0.0 if r is None else next(judged) for r in group]
