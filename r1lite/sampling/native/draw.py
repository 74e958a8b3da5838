"""Draws tokens from logits."""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK = 256  # tokens of the vocabulary per block of the cumulative sum


def choose(logits: Tensor, uniform: Tensor | None, *, temperature: float, top_k: int, top_p: float) -> tuple[Tensor, Tensor]:
    """One token per row and its log-prob before top-k and top-p. Without uniform numbers, the likeliest token. Overwrites the logits."""
    logits = logits.float()
    if temperature != 1.0:
        logits = logits.div_(temperature)
    if uniform is None:
        tokens, weights = logits.argmax(-1), _exponentiate(logits)
    else:
        kept = filtered(logits, top_k=top_k, top_p=top_p)
        dropped = None if kept is logits else kept == -torch.inf
        weights = _exponentiate(logits)
        tokens = draw(weights if dropped is None else weights.masked_fill(dropped, 0.0), uniform)
    return tokens, (weights.gather(1, tokens[:, None]).squeeze(1) / weights.sum(-1)).log()


def _exponentiate(logits: Tensor) -> Tensor:
    """Unnormalised probabilities, in place: touching new memory would cost more than the computation."""
    return logits.sub_(logits.amax(-1, keepdim=True)).exp_()


def filtered(logprobs: Tensor, *, top_k: int, top_p: float) -> Tensor:
    """The log-probs with minus infinity outside top-k and outside top-p, which is the smallest set with a probability of at least p."""
    if top_k > 0:
        smallest = logprobs.topk(min(top_k, logprobs.shape[-1]), dim=-1).values[:, -1:]
        logprobs = logprobs.masked_fill(logprobs < smallest, -torch.inf)
    if top_p < 1:
        ordered, order = logprobs.sort(dim=-1, descending=True)
        probabilities = ordered.softmax(-1)
        before = probabilities.cumsum(-1) - probabilities
        drop = torch.zeros_like(before, dtype=torch.bool).scatter(-1, order, before >= top_p)
        logprobs = logprobs.masked_fill(drop, -torch.inf)
    return logprobs


def draw(weights: Tensor, uniform: Tensor) -> Tensor:
    """One token per row by inverse transform sampling: where the cumulative sum of the weights passes the row's uniform number.

    The sum is over blocks first, then within the block that contains the token. A cumulative sum over the whole vocabulary
    would cost more than all other operations on the logits.
    """
    rows, vocabulary = weights.shape
    missing = -vocabulary % BLOCK
    blocks = (torch.nn.functional.pad(weights, (0, missing)) if missing else weights).view(rows, -1, BLOCK)
    ends = blocks.sum(-1).cumsum(-1)
    target = (uniform * ends[:, -1])[:, None]
    block = _first_above(ends, target)
    before = torch.where(block > 0, ends.gather(1, (block - 1).clamp(min=0)), 0.0)
    inside = blocks[torch.arange(rows, device=weights.device), block.squeeze(1)]
    return (block * BLOCK + _first_above(inside.cumsum(-1) + before, target, inside)).squeeze(1)


def _first_above(sums: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """The first index [rows, 1] whose cumulative sum is above the target. If rounding puts the target at the end, the last
    index with a positive weight."""
    added = sums.diff(dim=-1, prepend=torch.zeros_like(sums[:, :1])) if weights is None else weights
    last = sums.shape[-1] - 1 - (added > 0).flip(-1).int().argmax(-1, keepdim=True)
    return torch.minimum(torch.searchsorted(sums, target, right=True), last)


def uniforms(seed: int, count: int) -> Tensor:
    """The uniform random numbers of one completion, one per token."""
    return torch.rand(count, generator=torch.Generator().manual_seed(seed))
