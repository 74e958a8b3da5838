"""One pass of a model over a batch: log-probs and entropies of the completion tokens, and the states they came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from r1lite.types import Batch

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, kw_only=True, slots=True)
class Forward:
    """All [N, T]: what stands at t belongs to the completion token t, and was known before it."""

    logp: Tensor
    entropy: Tensor
    hidden: Tensor | None  # [N, T, hidden] the trunk's state from which token t was drawn


def forward(model: PreTrainedModel, batch: Batch, temperature: float, *, entropy_grad: bool = False, hidden: bool = False) -> Forward:
    # Prompt positions go through the model, but not through the output head.
    keep = before_each_token(batch)
    out = model(input_ids=batch.input_ids, logits_to_keep=keep, use_cache=False, output_hidden_states=hidden)
    precise = torch.promote_types(out.logits.dtype, torch.float32)
    logprobs = torch.log_softmax(out.logits.to(precise) / temperature, dim=-1)
    logp = logprobs.gather(-1, batch.input_ids[:, batch.first :].unsqueeze(-1)).squeeze(-1)
    with torch.set_grad_enabled(entropy_grad and torch.is_grad_enabled()):
        entropy = -(logprobs.exp() * logprobs).sum(-1)
    return Forward(logp=logp, entropy=entropy, hidden=out.hidden_states[-1][:, keep] if hidden else None)


def before_each_token(batch: Batch) -> Tensor:
    """The positions whose states predict the batch's T columns."""
    return torch.arange(batch.first - 1, batch.input_ids.shape[1] - 1, device=batch.input_ids.device)
