"""The policy objective: one composable loss. Every named algorithm is a choice of its parts.

    loss = sum over tokens of  weight * correction * gate(ratio, advantage)  +  kl_coef * KL  -  entropy_coef * entropy

Losses are minimised; rho = exp(logp - old_logp). Pure: tensors in, tensors out. Its terms are in
losses/terms.py, the parts they are made of in losses/parts.py.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from r1lite.losses import parts, terms

if TYPE_CHECKING:
    from typing import Self

PARTS = {
    "ratio": ("token", "sequence", "sequence_token", "sequence_sum", "none"),
    "gate": ("clip", "sigmoid", "cap", "log_clip", "tv_mask", "reinforce"),
    "aggregate": ("token_mean", "seq_mean_token_mean", "seq_mean_token_sum", "budget"),
    "kl": ("none", "k1", "k2", "k3", "k3_weighted"),
    "correction": ("none", "truncate", "mask"),
    "correction_level": ("token", "sequence"),
}
AT_LEAST_0 = ("clip_low", "clip_high", "dual_clip", "delta_low", "delta_high", "kl_coef", "correction_low")
ABOVE_0 = ("cap", "tau_pos", "tau_neg", "correction_high")


@dataclass(frozen=True, kw_only=True, slots=True)
class Objective:
    """The parts of a loss, by name, and their numbers; config.AlgorithmConfig says what each is.

    The defaults are GRPO's (arXiv 2402.03300), without its KL.
    """

    ratio: str = "token"
    gate: str = "clip"
    clip_low: float = 0.2
    clip_high: float = 0.2
    dual_clip: float = 0.0
    cap: float = 5.0
    tau_pos: float = 1.0
    tau_neg: float = 1.05
    delta_low: float = 0.15
    delta_high: float = 0.15
    aggregate: str = "seq_mean_token_mean"
    budget: int = 0
    kl: str = "none"
    kl_coef: float = 0.0
    correction: str = "none"
    correction_level: str = "token"
    correction_low: float = 0.5
    correction_high: float = 2.0
    entropy_coef: float = 0.0

    def __post_init__(self) -> None:
        for part, known in PARTS.items():
            if getattr(self, part) not in known:
                raise ValueError(f"unknown algorithm.{part} {getattr(self, part)!r}. Known: {', '.join(known)}.")
        for number in (*AT_LEAST_0, *ABOVE_0):
            value = getattr(self, number)
            if not (value >= 0 if number in AT_LEAST_0 else value > 0):
                raise ValueError(f"algorithm.{number} must be {'at least' if number in AT_LEAST_0 else 'above'} 0, got {value}")
        self._refuse_the_meaningless()

    def _refuse_the_meaningless(self) -> None:
        if self.ratio == "none" and self.gate != "reinforce":
            raise ValueError(f"algorithm.gate={self.gate} needs a ratio; algorithm.ratio=none goes with gate=reinforce alone")
        if self.gate in ("log_clip", "tv_mask") and self.ratio != "token":
            raise ValueError(f"algorithm.gate={self.gate} judges each token by itself: it needs ratio=token, got ratio={self.ratio}")
        if self.dual_clip and self.gate != "clip":
            raise ValueError(f"algorithm.dual_clip belongs to gate=clip; with gate={self.gate} set it to 0")
        if 0 < self.dual_clip <= 1:
            raise ValueError(f"algorithm.dual_clip bounds the ratio from above, so it must be above 1 (or 0, off), got {self.dual_clip}")
        if self.aggregate == "budget" and self.budget < 1:
            raise ValueError("algorithm.aggregate=budget divides by algorithm.budget, which must be at least 1 token")
        if self.kl != "none" and not self.kl_coef > 0:
            raise ValueError(f"algorithm.kl={self.kl} needs algorithm.kl_coef above 0, got {self.kl_coef}")
        if self.correction == "mask" and self.correction_low > self.correction_high:
            raise ValueError("algorithm.correction=mask keeps weights from correction_low to correction_high, and low is above high")

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
    old_logp: Tensor,  # [N, T] of the policy before the step
    advantages: Tensor,  # [N] or [N, T]
    mask: Tensor,  # [N, T] 1 for the tokens that are trained on
    ref_logp: Tensor | None = None,  # [N, T] needed when kl is not none
    sampler_logp: Tensor | None = None,  # [N, T] as the sampler gave them; needed when correction is not none
    entropy: Tensor | None = None,  # [N, T] differentiable; needed when entropy_coef is not 0
    focus: Tensor | None = None,  # [N, T] 0 leaves a token out of the policy's part, though not out of divisor and KL
    groups: Tensor | None = None,  # [N] of one prompt; no part reads it
    total_tokens: int | None = None,
    total_sequences: int | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss and what to watch. With the totals of the whole step, micro-batches add up to the step exactly.

    Without totals, the divisors are the tokens in the mask and the rows that have any. What stands outside of the mask,
    be it nan, reaches neither loss nor gradient.
    """
    inside = mask > 0
    mask = torch.where(inside, mask, 0).to(torch.promote_types(logp.dtype, torch.float32))
    tokens = mask.sum().clamp(min=1) if total_tokens is None else max(1, total_tokens)
    sequences = inside.any(1).sum().clamp(min=1) if total_sequences is None else max(1, total_sequences)
    t = terms.Tokens(
        mask=mask,
        total=tokens,
        weight=parts.weights(objective.aggregate, mask, tokens, sequences, objective.budget),
        logp=terms.clean(logp, mask),
        old_logp=terms.clean(old_logp, mask),
        advantages=terms.clean(_per_token(advantages, objective, inside), mask),
    )
    loss, stats = terms.policy_term(objective, t, sampler_logp, focus)
    for part, more in (terms.kl_term(objective, t, ref_logp), terms.entropy_term(objective, t, entropy)):
        loss, stats = loss + part, stats | more
    return loss, stats


def _per_token(advantages: Tensor, objective: Objective, inside: Tensor) -> Tensor:
    """[N, T]. A ratio of the whole sequence has one advantage: of several, each token's own credit would be lost."""
    if advantages.dim() == 1:
        return advantages.unsqueeze(1).expand_as(inside)
    if objective.ratio in ("sequence", "sequence_sum") or objective.gate == "log_clip":
        most, least = torch.where(inside, advantages, -torch.inf).amax(1), torch.where(inside, advantages, torch.inf).amin(1)
        if bool((most - least > 1e-6).any()):
            raise ValueError(
                f"algorithm.ratio={objective.ratio} with gate={objective.gate} weighs whole sequences, and these advantages differ "
                "from token to token. algorithm.ratio=sequence_token keeps each token's own"
            )
    return advantages
