"""The policy objective: one composable loss. Every named algorithm is a choice of its parts.

    loss = sum over tokens of  weight * correction * gate(ratio, advantage)  +  kl_coef * KL  -  entropy_coef * entropy

Losses are minimised; rho = exp(logp - old_logp). Pure: tensors in, tensors out. Its terms are in
losses/terms.py, the parts they are made of in losses/parts.py.
"""

from __future__ import annotations

import torch
from torch import Tensor

from r1lite.losses import parts, terms
from r1lite.losses.choice import Objective

__all__ = ["IMITATE", "Objective", "policy_loss"]

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
