"""Drawing tokens from logits."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor


def filtered(logprobs: Tensor, *, top_k: int, top_p: float) -> Tensor:
    """Log-probs with everything outside top-k and top-p (the smallest set that reaches p) at minus infinity."""
    if top_k > 0:
        edge = logprobs.topk(min(top_k, logprobs.shape[-1]), dim=-1).values[:, -1:]
        logprobs = logprobs.masked_fill(logprobs < edge, -torch.inf)
    if top_p < 1:
        ordered, order = logprobs.sort(dim=-1, descending=True)
        probabilities = ordered.softmax(-1)
        before = probabilities.cumsum(-1) - probabilities
        drop = torch.zeros_like(before, dtype=torch.bool).scatter(-1, order, before >= top_p)
        logprobs = logprobs.masked_fill(drop, -torch.inf)
    return logprobs


def draw(logprobs: Tensor, uniform: Tensor) -> Tensor:
    """One token a row: the point where the cumulative distribution passes the row's own uniform number."""
    cumulative = logprobs.exp().cumsum(-1)
    target = (uniform * cumulative[:, -1])[:, None]
    token = torch.searchsorted(cumulative, target, right=True).squeeze(-1)
    # Rounding may carry the target onto the total: then the last token with any probability is meant.
    last = logprobs.shape[-1] - 1 - (logprobs > -torch.inf).flip(-1).int().argmax(-1)
    return torch.minimum(token, last)


def uniforms(seed: str, problem_id: str, index: int, count: int) -> Tensor:
    """A rollout's own stream of random numbers, so that what it draws does not depend on who shares its batch."""
    digest = hashlib.blake2b(f"{seed}/{problem_id}/{index}".encode(), digest_size=7).digest()
    return torch.rand(count, generator=torch.Generator().manual_seed(int.from_bytes(digest, "big")))
