"""From the trunk's states to log-probs and entropies, in chunks: the logits of a micro-batch never exist together.

Log-softmax over a large vocabulary costs more memory traffic than the product before it. So a chunk's logits are turned
into log-probs where they lie, and its gradient is made in the same buffer: softmax minus the token that was drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from r1lite.models.cpu.linear import product, transposed_product

CHUNK_BYTES = 256 * 2**20  # of logits at once: fewer would multiply too few rows by a large weight
KEPT_BYTES = 512 * 2**20  # of log-probs that wait for the backward pass; what is over is made anew
BLOCK_BYTES = 4 * 2**20  # of them that a pass of several operations goes over at once, so that they stay in the CPU's cache
# Of configs: models that do something to their logits after the head keep their own way to them.
SHAPED_LOGITS = ("final_logit_softcapping", "logit_scale", "logits_scaling")


def has_plain_head(model: Any) -> bool:
    """Whether the logits are a linear map of the trunk's states, and nothing else."""
    plain = all(getattr(model.config, name, None) in (None, 1, 1.0) for name in SHAPED_LOGITS)
    return plain and isinstance(model.get_output_embeddings(), nn.Linear)  # one with an adapter is none


def head_log_probs(head: nn.Linear, states: Tensor, tokens: Tensor, temperature: float, *, entropy_grad: bool) -> tuple[Tensor, Tensor]:
    """Of each token [M] after its state [M, hidden]: the log-prob, and the entropy where it was drawn."""
    logp, entropy = _Head.apply(states, head.weight, head.bias, tokens, temperature, entropy_grad)  # pyright: ignore
    return logp, entropy


class _Head(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, states: Tensor, weight: Tensor, bias: Tensor | None, tokens: Tensor, temperature: float, entropy_grad: bool
    ) -> tuple[Tensor, Tensor]:
        precise = torch.promote_types(states.dtype, torch.float32)
        logp, entropy = states.new_empty(len(states), dtype=precise), states.new_empty(len(states), dtype=precise)
        wanted = any(ctx.needs_input_grad[:3])
        room = KEPT_BYTES // (weight.shape[0] * precise.itemsize)  # tokens
        kept: dict[int, Tensor] = {}
        for begin, end in _chunks(len(states), weight.shape[0], precise):
            logprobs = _log_softmax(states[begin:end], weight, bias, temperature)
            logp[begin:end] = logprobs.gather(-1, tokens[begin:end, None]).squeeze(-1)
            for rows in _blocks(logprobs):
                entropy[begin + rows.start : begin + rows.stop] = -logprobs[rows].exp().mul_(logprobs[rows]).sum(-1)
            if wanted and end <= room:
                kept[begin] = logprobs
        ctx.save_for_backward(states, weight, bias, tokens, entropy)
        ctx.kept, ctx.temperature = kept, temperature
        ctx.set_materialize_grads(False)
        if not entropy_grad:
            ctx.mark_non_differentiable(entropy)
        return logp, entropy

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor | None, ...]:
        states, weight, bias, tokens, entropy = ctx.saved_tensors
        for_states, for_weight, for_bias = ctx.needs_input_grad[:3]
        of_logp, by_entropy = (g if g is not None else torch.zeros_like(entropy) for g in gradients)
        d_states = torch.empty_like(states) if for_states else None
        d_weight: Tensor | None = None
        d_bias = torch.zeros_like(bias) if for_bias else None
        for begin, end in _chunks(len(states), weight.shape[0], entropy.dtype):
            logprobs = ctx.kept.pop(begin, None)
            if logprobs is None:
                logprobs = _log_softmax(states[begin:end], weight, bias, ctx.temperature)
            d_logits = _d_logits(logprobs, tokens[begin:end], of_logp[begin:end], entropy[begin:end], by_entropy[begin:end])
            if ctx.temperature != 1.0:
                d_logits /= ctx.temperature
            d_logits = d_logits.to(states.dtype)
            if d_states is not None:
                d_states[begin:end] = product(d_logits, weight.T)
            if for_weight:
                of_chunk = transposed_product(d_logits, states[begin:end])
                d_weight = of_chunk if d_weight is None else d_weight + of_chunk
            if d_bias is not None:
                d_bias += d_logits.sum(0)
        return d_states, d_weight, d_bias, None, None, None


def _chunks(tokens: int, vocabulary: int, dtype: torch.dtype) -> list[tuple[int, int]]:
    rows = max(1, CHUNK_BYTES // (vocabulary * dtype.itemsize))
    return [(begin, min(begin + rows, tokens)) for begin in range(0, tokens, rows)]


def _blocks(logits: Tensor) -> Iterator[slice]:
    # On a GPU what costs is to launch an operation, so there a chunk is one block.
    rows = max(1, BLOCK_BYTES // (logits.shape[1] * logits.itemsize)) if logits.device.type == "cpu" else max(1, len(logits))
    return (slice(begin, min(begin + rows, len(logits))) for begin in range(0, len(logits), rows))


def _log_softmax(states: Tensor, weight: Tensor, bias: Tensor | None, temperature: float) -> Tensor:
    logits = product(states, weight, bias)
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    for rows in _blocks(logits):
        block = logits[rows]
        if temperature != 1.0:
            block /= temperature
        block -= torch.logsumexp(block, -1, keepdim=True)
    return logits


def _d_logits(logprobs: Tensor, tokens: Tensor, of_logp: Tensor, entropy: Tensor, of_entropy: Tensor) -> Tensor:
    """In place. d logp_t / d logits = (the token's own 1) - p; d entropy / d logits = -p (log p + entropy)."""
    with_entropy = bool(of_entropy.any())
    for rows in _blocks(logprobs):
        block, at = logprobs[rows], of_logp[rows, None]
        if with_entropy:
            torch.mul(block.exp(), (block + entropy[rows, None]).mul_(of_entropy[rows, None]).add_(at).neg_(), out=block)
        else:
            block.exp_().mul_(-at)
    return logprobs.scatter_add_(1, tokens[:, None], of_logp[:, None].to(logprobs.dtype))
