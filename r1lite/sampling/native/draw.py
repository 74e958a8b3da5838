"""Drawing tokens from logits."""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK = 256  # tokens of the vocabulary that are summed together


def choose(logits: Tensor, chances: Tensor | None, *, temperature: float, top_k: int, top_p: float) -> tuple[Tensor, Tensor]:
    """One token a row, and its log-prob before top-k and top-p. Without chances: the likeliest. The logits are used up."""
    logits = logits.float()
    if temperature != 1.0:
        logits = logits.div_(temperature)
    if chances is None:
        tokens, weights = logits.argmax(-1), _weights(logits)
    else:
        kept = filtered(logits, top_k=top_k, top_p=top_p)
        out = None if kept is logits else kept == -torch.inf
        weights = _weights(logits)
        tokens = draw(weights if out is None else weights.masked_fill(out, 0.0), chances)
    return tokens, (weights.gather(1, tokens[:, None]).squeeze(1) / weights.sum(-1)).log()


def _weights(logits: Tensor) -> Tensor:
    """In place: memory that is new costs more to touch than these rows to compute."""
    return logits.sub_(logits.amax(-1, keepdim=True)).exp_()


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


def draw(weights: Tensor, uniform: Tensor) -> Tensor:
    """One token a row, by weight: where the running sum passes the row's own uniform number.

    The running sum goes over blocks first, and then through the one block that holds the token: a running sum over a
    whole vocabulary costs more than all else that is done to its logits.
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
    """[rows, 1]: the first place whose running sum is above the target. Rounding may put the target at the very end:
    then the last place that adds anything is meant."""
    added = sums.diff(dim=-1, prepend=torch.zeros_like(sums[:, :1])) if weights is None else weights
    last = sums.shape[-1] - 1 - (added > 0).flip(-1).int().argmax(-1, keepdim=True)
    return torch.minimum(torch.searchsorted(sums, target, right=True), last)


def uniforms(seed: int, count: int) -> Tensor:
    """The random numbers of one completion, one for each token."""
    return torch.rand(count, generator=torch.Generator().manual_seed(seed))
