"""The terms of a policy loss: policy, KL, entropy. Each returns its loss and its metrics."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from r1lite.losses import parts
from r1lite.losses.choice import Objective

Term = tuple[Tensor | float, dict[str, Tensor]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tokens:
    """The inputs of every term: all [N, T], float32 or finer, 0 outside the mask."""

    mask: Tensor
    weight: Tensor  # of each token in the loss
    total: Tensor | int  # tokens of the step
    logp: Tensor
    old_logp: Tensor
    advantages: Tensor

    def mean(self, values: Tensor) -> Tensor:
        """The mean over the tokens of the step; micro-batches add up to it."""
        return (values * self.mask).sum() / self.total

    def require(self, values: Tensor | None, need: str) -> Tensor:
        """Optional values, masked; an error that says what needs them where they are missing."""
        if values is None:
            raise ValueError(f"algorithm.{need}")
        return masked(values, self.mask)


def policy_term(o: Objective, t: Tokens, sampler_logp: Tensor | None, focus: Tensor | None) -> tuple[Tensor, dict[str, Tensor]]:
    log_rho = parts.log_ratio(o.ratio, t.logp, t.old_logp, t.mask)
    per_token, stopped = _gate(o, t, log_rho)
    stats: dict[str, Tensor] = {} if stopped is None else {"ratio/clip_share": t.mean(stopped)}
    if o.ratio != "none":
        stats["ratio/mean"] = t.mean(torch.exp(log_rho.detach()))
    if o.correction != "none" or sampler_logp is not None:
        sampled = t.require(sampler_logp, f"correction={o.correction} needs the sampler's log-probs")
        stats["mismatch/kl"] = t.mean(parts.k3(sampled - t.logp.detach()))
        correction, corrected = _correction(o, t, sampled)
        per_token = per_token * correction
        if corrected is not None:
            stats["correction/share"] = t.mean(corrected)
    if focus is not None:
        per_token = torch.where(focus > 0, per_token, 0.0)
    return (per_token * t.weight).sum(), stats


def _gate(o: Objective, t: Tokens, log_rho: Tensor) -> tuple[Tensor, Tensor | None]:
    """The loss of each token, and where the gate stops its gradient; None for a gate that never does."""
    ratio = torch.exp(log_rho)
    match o.gate:
        case "clip":
            return parts.clip(ratio, t.advantages, o.clip_low, o.clip_high, o.dual_clip)
        case "sigmoid":
            return parts.sigmoid(ratio, t.advantages, o.tau_pos, o.tau_neg), None
        case "cap":
            return parts.cap(ratio, t.logp, t.advantages, o.cap)
        case "log_clip":
            return parts.log_clip(log_rho, t.advantages, t.mask, o.clip_low, o.clip_high)
        case "tv_mask":
            return parts.tv_mask(ratio, t.logp, t.old_logp, t.advantages, (o.delta_low, o.delta_high), o.cap)
    weight = ratio.detach() if o.ratio != "none" else 1.0
    return -weight * t.advantages * t.logp, None


def _correction(o: Objective, t: Tokens, sampler_logp: Tensor) -> tuple[Tensor | float, Tensor | None]:
    if o.correction == "none":
        return 1.0, None
    level = "sequence_sum" if o.correction_level == "sequence" else "token"
    log_weight = parts.log_ratio(level, t.old_logp, sampler_logp, t.mask)
    return parts.correction(o.correction, log_weight, o.correction_low, o.correction_high)


def kl_term(o: Objective, t: Tokens, ref_logp: Tensor | None) -> Term:
    if o.kl == "none":
        return 0.0, {}
    difference = t.logp - t.require(ref_logp, f"kl={o.kl} needs the reference's log-probs")
    k3 = parts.k3(difference)
    match o.kl:
        case "k1":  # only for custom losses; training with it is refused, because its gradient is pure noise
            penalty = difference
        case "k2":
            penalty = difference.square() / 2
        case "k3_weighted":
            penalty = torch.exp(parts.log_ratio("token", t.logp, t.old_logp, t.mask)) * k3
        case _:
            penalty = k3
    return o.kl_coef * (penalty * t.weight).sum(), {"kl": t.mean(k3.detach())}


def entropy_term(o: Objective, t: Tokens, entropy: Tensor | None) -> Term:
    """The mean over tokens, whatever the aggregate: a bonus that grows with the length would reward length."""
    if not o.entropy_coef and entropy is None:
        return 0.0, {}
    mean = t.mean(t.require(entropy, f"entropy_coef={o.entropy_coef} needs the entropy of each token"))
    return -o.entropy_coef * mean if o.entropy_coef else 0.0, {"entropy": mean.detach()}


def masked(values: Tensor, mask: Tensor) -> Tensor:
    """Selected, not multiplied: 0 * nan is nan."""
    return torch.where(mask > 0, values.to(mask.dtype), 0.0)
