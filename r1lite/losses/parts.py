"""The parts of a policy loss. Pure: tensors in, tensors out; [N, T], or [N, 1] where it broadcasts."""

from __future__ import annotations

import math

import torch
from torch import Tensor

LOG_LIMIT = 20.0  # bound of log-ratios before exp: e^20 is 5e8, far outside any gate


def log_ratio(level: str, logp: Tensor, old_logp: Tensor, mask: Tensor) -> Tensor:
    """log rho of each token, or of the whole sequence: the mean (a geometric mean of the ratios) or the sum."""
    difference = logp - old_logp
    if level in ("token", "none"):
        return difference.clamp(-LOG_LIMIT, LOG_LIMIT)
    total = (difference * mask).sum(1, keepdim=True)
    if level == "sequence_sum":
        return total.clamp(-LOG_LIMIT, LOG_LIMIT)
    mean = (total / lengths(mask)).clamp(-LOG_LIMIT, LOG_LIMIT)
    # sequence_token: the value of the sequence, the gradient of the token.
    return mean if level == "sequence" else mean.detach() + logp - logp.detach()


def clip(ratio: Tensor, advantages: Tensor, low: float, high: float, dual: float) -> tuple[Tensor, Tensor]:
    """PPO: a ratio that has moved far enough in the direction of its advantage gets no more gradient."""
    free, clipped = -ratio * advantages, -ratio.clamp(1 - low, 1 + high) * advantages
    loss, stopped = torch.maximum(free, clipped), clipped > free
    if dual:  # arXiv 1912.09729
        bound = -dual * advantages
        stopped = stopped | ((advantages < 0) & (loss > bound))
        loss = torch.where(advantages < 0, torch.minimum(loss, bound), loss)
    return loss, stopped


def sigmoid(ratio: Tensor, advantages: Tensor, tau_pos: float, tau_neg: float) -> Tensor:
    """SAPO: the weight of the gradient falls off smoothly on both sides of ratio 1, as sech^2."""
    tau = torch.where(advantages > 0, ratio.new_tensor(tau_pos), ratio.new_tensor(tau_neg))  # plain floats would give float32
    return -4 / tau * torch.sigmoid(tau * (ratio - 1)) * advantages


def cap(ratio: Tensor, logp: Tensor, advantages: Tensor, most: float) -> tuple[Tensor, Tensor]:
    """CISPO: every token keeps its gradient, with a capped weight."""
    return -ratio.detach().clamp(max=most) * advantages * logp, ratio > most


def log_clip(log_rho: Tensor, advantages: Tensor, mask: Tensor, low: float, high: float) -> tuple[Tensor, Tensor]:
    """GMPO: each log-ratio is clipped in the direction of its advantage; the ratio is their geometric mean."""
    clipped = torch.where(advantages > 0, log_rho.clamp(max=high), log_rho.clamp(min=-low))
    stopped = ((advantages > 0) & (log_rho > high)) | ((advantages < 0) & (log_rho < -low))
    return -torch.exp((clipped * mask).sum(1, keepdim=True) / lengths(mask)) * advantages, stopped


def tv_mask(
    ratio: Tensor, logp: Tensor, old_logp: Tensor, advantages: Tensor, delta: tuple[float, float], most: float
) -> tuple[Tensor, Tensor]:
    """DPPO: a token whose probability has moved too far in the direction of its advantage is masked."""
    moved = (torch.exp(logp) - torch.exp(old_logp)).detach()
    stopped = ((advantages > 0) & (moved > delta[1])) | ((advantages < 0) & (moved < -delta[0]))
    return torch.where(stopped, 0.0, -ratio.detach().clamp(max=most) * advantages * logp), stopped


def correction(kind: str, log_weight: Tensor, low: float, high: float) -> tuple[Tensor, Tensor]:
    """The importance weight of trainer over sampler for each token, and where it was truncated or masked."""
    weight = torch.exp(log_weight).detach()
    if kind == "truncate":  # TIS
        return weight.clamp(max=high), weight > high
    outside = (weight < low) | (weight > high)  # IcePop
    return torch.where(outside, 0.0, weight), outside


def k3(difference: Tensor) -> Tensor:
    """An estimate of KL(policy || other) from difference = logp - other_logp, for tokens that the policy drew."""
    difference = difference.clamp(-LOG_LIMIT, LOG_LIMIT)
    return torch.expm1(-difference) + difference


def weights(aggregate: str, mask: Tensor, tokens: Tensor | int, sequences: Tensor | int, budget: int) -> Tensor:
    """The weight of each token in the loss; the divisors are those of the whole step."""
    match aggregate:
        case "token_mean":
            return mask / tokens
        case "seq_mean_token_mean":
            return mask / lengths(mask) / sequences
        case "seq_mean_token_sum":
            return mask / sequences
    return mask / sequences / budget


def value_loss(values: Tensor, old_values: Tensor, returns: Tensor, value_clip: float) -> tuple[Tensor, Tensor]:
    """PPO's critic, per token: half the squared error, the larger of the value's and the clipped value's."""
    free = (values - returns).square()
    if not value_clip:
        return free / 2, torch.zeros_like(free, dtype=torch.bool)
    clipped = (old_values + (values - old_values).clamp(-value_clip, value_clip) - returns).square()
    return torch.maximum(free, clipped) / 2, clipped > free


def overlong_mask(mask: Tensor, cut_off: Tensor) -> Tensor:
    """The mask [N, T] with 0 in rows whose response was cut off [N]."""
    return mask * ~cut_off.bool().unsqueeze(1)


def entropy_threshold(entropy: Tensor, mask: Tensor, share: float) -> Tensor:
    """The entropy that only this share of the tokens reaches (arXiv 2506.01939). Pass the tokens of the whole step."""
    seen = entropy[mask > 0].sort().values  # torch.quantile takes at most 16 million
    if not len(seen):
        return entropy.new_tensor(torch.inf)
    position = (1 - share) * (len(seen) - 1)
    below, above = seen[math.floor(position)], seen[math.ceil(position)]
    return below + (above - below) * (position - math.floor(position))


def high_entropy_mask(entropy: Tensor, mask: Tensor, share: float, *, threshold: Tensor | float | None = None) -> Tensor:
    """1 for the `share` of masked tokens with the highest entropy; for policy_loss(focus=...)."""
    least = entropy_threshold(entropy, mask, share) if threshold is None else threshold
    return ((mask > 0) & (entropy >= least)).to(mask.dtype)


def lengths(mask: Tensor) -> Tensor:
    """[N, 1]; at least 1, so that it can divide."""
    return mask.sum(1, keepdim=True).clamp(min=1)
