"""The policy objective: one composable loss. A named algorithm is a choice of its parts.

    loss = sum over tokens of  weight * correction * gate(ratio, advantage)  +  kl_coef * KL  -  entropy_coef * entropy

Losses are minimised; rho = exp(logp - old_logp). Pure: tensors in, tensors out. The terms are in losses/terms.py, their parts
in losses/parts.py.
"""

from __future__ import annotations

import torch
from torch import Tensor

from r1lite.losses import parts, terms
from r1lite.losses.choice import Objective

__all__ = ["IMITATE", "Objective", "policy_loss"]

# Supervised training is the same loss: every token of an example has advantage 1, and there is no old policy.
IMITATE = Objective(ratio="none", gate="reinforce", aggregate="token_mean")


def policy_loss(
    objective: Objective,
    *,
    logp: Tensor,  # [N, T]
    old_logp: Tensor,  # [N, T] of the policy before the step
    advantages: Tensor,  # [N] or [N, T]
    mask: Tensor,  # [N, T] 1 for trained tokens
    ref_logp: Tensor | None = None,  # [N, T] required unless kl is none
    sampler_logp: Tensor | None = None,  # [N, T] as the sampler returned them; required unless correction is none
    entropy: Tensor | None = None,  # [N, T] differentiable; required unless entropy_coef is 0
    focus: Tensor | None = None,  # [N, T] 0 excludes a token from the policy term, but not from the divisor or the KL
    groups: Tensor | None = None,  # [N] the group of each sequence; unused by the built-in parts
    total_tokens: int | None = None,
    total_sequences: int | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss and its metrics. With the totals of the whole step, micro-batches add up to the step exactly.

    Without totals, the divisors are the tokens in the mask and the rows that have any. Values outside the mask, even nan,
    affect neither loss nor gradient.
    """
    inside = mask > 0
    mask = torch.where(inside, mask, 0).to(torch.promote_types(logp.dtype, torch.float32))
    tokens = mask.sum().clamp(min=1) if total_tokens is None else max(1, total_tokens)
    sequences = inside.any(1).sum().clamp(min=1) if total_sequences is None else max(1, total_sequences)
    t = terms.Tokens(
        mask=mask,
        total=tokens,
        weight=parts.weights(objective.aggregate, mask, tokens, sequences, objective.budget),
        logp=terms.masked(logp, mask),
        old_logp=terms.masked(old_logp, mask),
        advantages=terms.masked(_per_token(advantages, objective, inside), mask),
    )
    loss, stats = terms.policy_term(objective, t, sampler_logp, focus)
    for part, more in (terms.kl_term(objective, t, ref_logp), terms.entropy_term(objective, t, entropy)):
        loss, stats = loss + part, stats | more
    return loss, stats


def _per_token(advantages: Tensor, objective: Objective, inside: Tensor) -> Tensor:
    """[N, T]. A ratio of the whole sequence takes one advantage: with several, the credit of single tokens would be lost."""
    if advantages.dim() == 1:
        return advantages.unsqueeze(1).expand_as(inside)
    if objective.ratio in ("sequence", "sequence_sum") or objective.gate == "log_clip":
        most, least = torch.where(inside, advantages, -torch.inf).amax(1), torch.where(inside, advantages, torch.inf).amin(1)
        if bool((most - least > 1e-6).any()):
            raise ValueError(
                f"algorithm.ratio={objective.ratio} with gate={objective.gate} weights whole sequences, but the advantages differ "
                "from token to token. Use algorithm.ratio=sequence_token, which keeps the advantage of each token"
            )
    return advantages
