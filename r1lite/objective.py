"""The policy objective: one composable loss. Every named algorithm is a choice of its parts.

    loss = sum over tokens of  weight * gate(ratio, advantage)  +  kl_coef * KL

Losses are minimised; rho = exp(logp - old_logp); m is the mask. Pure: tensors in, tensors out.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from typing import Self

PARTS = {
    "ratio": ("token", "sequence", "none"),
    "gate": ("clip", "reinforce"),
    "aggregate": ("token_mean", "seq_mean_token_mean", "seq_mean_token_sum", "budget"),
    "kl": ("none", "k1", "k2", "k3"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Objective:
    """The parts of a loss, by name, and their numbers. The defaults are GRPO's (arXiv 2402.03300), without KL."""

    ratio: str = "token"
    gate: str = "clip"
    clip_low: float = 0.2
    clip_high: float = 0.2
    aggregate: str = "seq_mean_token_mean"
    budget: int = 0  # tokens; the divisor of aggregate=budget, per sequence
    kl: str = "none"
    kl_coef: float = 0.0

    def __post_init__(self) -> None:
        for part, known in PARTS.items():
            if getattr(self, part) not in known:
                raise ValueError(f"unknown algorithm.{part} {getattr(self, part)!r}. Known: {', '.join(known)}.")
        if self.gate == "clip" and self.ratio == "none":
            raise ValueError("algorithm.gate=clip needs a ratio to clip; algorithm.ratio=none goes with gate=reinforce")
        if self.aggregate == "budget" and self.budget < 1:
            raise ValueError("algorithm.aggregate=budget divides by algorithm.budget, which must be at least 1 token")
        if self.kl != "none" and self.kl_coef <= 0:
            raise ValueError(f"algorithm.kl={self.kl} needs algorithm.kl_coef above 0, got {self.kl_coef}")

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Self:
        """A named algorithm, as `conf/algorithm/<name>.yaml` defines it."""
        from r1lite.config import algorithm_values  # they live in YAML, once

        known = {f.name for f in fields(cls)}
        values = {k: v for k, v in algorithm_values(name).items() if k in known}
        return replace(cls(**values), **changes)


# Supervised training is the same loss: every token of a demonstration has advantage 1 and no old policy.
IMITATE = Objective(ratio="none", gate="reinforce", aggregate="token_mean")


def policy_loss(
    objective: Objective,
    *,
    logp: Tensor,  # [N, T]
    old_logp: Tensor,  # [N, T]
    advantages: Tensor,  # [N] or [N, T]
    mask: Tensor,  # [N, T]
    ref_logp: Tensor | None = None,
    sampler_logp: Tensor | None = None,
    groups: Tensor | None = None,
    total_tokens: int | None = None,
    total_sequences: int | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss and what to watch. With the totals of the whole step, micro-batches add up to the step exactly."""
    mask = mask.to(logp.dtype)
    tokens = mask.sum() if total_tokens is None else logp.new_tensor(float(total_tokens))
    sequences = logp.shape[0] if total_sequences is None else total_sequences
    advantages = advantages.unsqueeze(1) if advantages.dim() == 1 else advantages
    weight = _weight(objective, mask, tokens, sequences)

    ratio = _ratio(objective, logp, old_logp, mask)
    per_token, clipped = _gate(objective, ratio, logp, advantages)
    loss = (per_token * weight).sum()
    stats: dict[str, Tensor] = {}
    if objective.gate == "clip":
        stats["ratio/clip_share"] = (clipped * mask).sum().detach() / tokens
    if sampler_logp is not None:
        gap = (logp - sampler_logp).detach()
        stats["mismatch/kl"] = ((torch.exp(gap) - 1 - gap) * mask).sum() / tokens
    if objective.kl != "none":
        if ref_logp is None:
            raise ValueError(f"algorithm.kl={objective.kl} needs the reference's log-probs")
        penalty = _kl(objective.kl, logp - ref_logp)
        loss = loss + objective.kl_coef * (penalty * weight).sum()
        stats["kl"] = (_kl("k3", (logp - ref_logp).detach()) * mask).sum() / tokens
    return loss, stats


def _weight(objective: Objective, mask: Tensor, tokens: Tensor, sequences: int) -> Tensor:
    match objective.aggregate:
        case "token_mean":
            return mask / tokens.clamp(min=1)
        case "seq_mean_token_mean":
            return mask / mask.sum(1, keepdim=True).clamp(min=1) / max(1, sequences)
        case "seq_mean_token_sum":
            return mask / max(1, sequences)
    return mask / max(1, sequences) / objective.budget


def _ratio(objective: Objective, logp: Tensor, old_logp: Tensor, mask: Tensor) -> Tensor:
    difference = (logp - old_logp) * mask
    if objective.ratio == "sequence":  # the geometric mean over the sequence's tokens
        difference = (difference.sum(1, keepdim=True) / mask.sum(1, keepdim=True).clamp(min=1)).expand_as(logp)
    return torch.exp(difference)


def _gate(objective: Objective, ratio: Tensor, logp: Tensor, advantages: Tensor) -> tuple[Tensor, Tensor]:
    if objective.gate == "reinforce":
        weight = ratio.detach() if objective.ratio != "none" else 1.0
        return -weight * advantages * logp, torch.zeros_like(logp)
    bounded = ratio.clamp(1 - objective.clip_low, 1 + objective.clip_high)
    free, held = -ratio * advantages, -bounded * advantages
    return torch.maximum(free, held), (held > free).to(logp.dtype)


def _kl(estimator: str, difference: Tensor) -> Tensor:
    """Of the policy against the reference, from difference = logp - ref_logp."""
    match estimator:
        case "k1":
            return difference
        case "k2":
            return difference.square() / 2
    return torch.exp(-difference) + difference - 1
