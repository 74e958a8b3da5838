"""From the trunk's states to log-probs and entropies, in chunks: the logits of a micro-batch never exist all at once.

Log-softmax over a large vocabulary costs more memory traffic than the product before it. So a chunk's logits become
log-probs in place, and its gradient is computed in the same buffer: softmax minus the token that was drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor, nn

from r1lite.models.autograd import Context
from r1lite.models.cpu.linear import product, transposed_product

if TYPE_CHECKING:
    from transformers import PreTrainedModel

CHUNK_BYTES = 256 * 2**20  # of logits in a chunk: smaller chunks would multiply too few rows by a large weight
KEPT_BYTES = 512 * 2**20  # of log-probs saved for the backward pass; the rest is recomputed
BLOCK_BYTES = 4 * 2**20  # of logits that several operations process together, so that they stay in the CPU's cache
# Settings in a model's configuration that change its logits after the head.
LOGIT_SETTINGS = ("final_logit_softcapping", "logit_scale", "logits_scaling")


def has_plain_head(model: PreTrainedModel) -> bool:
    """Whether the logits are a linear map of the trunk's states, and nothing else."""
    plain = all(getattr(model.config, name, None) in (None, 1, 1.0) for name in LOGIT_SETTINGS)
    return plain and isinstance(model.get_output_embeddings(), nn.Linear)  # false for a head with an adapter


def head_log_probs(head: nn.Linear, states: Tensor, tokens: Tensor, temperature: float, *, entropy_grad: bool) -> tuple[Tensor, Tensor]:
    """The log-probs of tokens [M] after states [M, hidden], and the entropies of the distributions that they were drawn from."""
    outputs: tuple[Tensor, Tensor] = _HeadFunction.apply(states, head.weight, head.bias, tokens, temperature, entropy_grad)
    return outputs


class _HeadContext(Context, Protocol):
    kept: dict[int, Tensor]  # log-probs by the first row of their chunk
    temperature: float


class _HeadFunction(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: _HeadContext, states: Tensor, weight: Tensor, bias: Tensor | None, tokens: Tensor, temperature: float, entropy_grad: bool
    ) -> tuple[Tensor, Tensor]:
        precise = torch.promote_types(states.dtype, torch.float32)
        logp, entropy = states.new_empty(len(states), dtype=precise), states.new_empty(len(states), dtype=precise)
        needs_grad = any(ctx.needs_input_grad[:3])
        most_kept = KEPT_BYTES // (weight.shape[0] * precise.itemsize)  # tokens
        kept: dict[int, Tensor] = {}
        for begin, end in _chunks(len(states), weight.shape[0], precise):
            logprobs = _log_softmax(states[begin:end], weight, bias, temperature)
            logp[begin:end] = logprobs.gather(-1, tokens[begin:end, None]).squeeze(-1)
            for rows in _blocks(logprobs):
                entropy[begin + rows.start : begin + rows.stop] = -logprobs[rows].exp().mul_(logprobs[rows]).sum(-1)
            if needs_grad and end <= most_kept:
                kept[begin] = logprobs
        ctx.save_for_backward(states, weight, bias, tokens, entropy)
        ctx.kept, ctx.temperature = kept, temperature
        ctx.set_materialize_grads(False)
        if not entropy_grad:
            ctx.mark_non_differentiable(entropy)
        return logp, entropy

    @staticmethod
    def backward(ctx: _HeadContext, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        states, weight, bias, tokens, entropy = ctx.saved_tensors
        need_states, need_weight, need_bias = ctx.needs_input_grad[:3]
        grad_logp, grad_entropy = (g if g is not None else torch.zeros_like(entropy) for g in gradients)
        grad_states = torch.empty_like(states) if need_states else None
        grad_weight: Tensor | None = None
        grad_bias = torch.zeros_like(bias) if need_bias else None
        for begin, end in _chunks(len(states), weight.shape[0], entropy.dtype):
            logprobs = ctx.kept.pop(begin, None)
            if logprobs is None:
                logprobs = _log_softmax(states[begin:end], weight, bias, ctx.temperature)
            grad_logits = _turn_into_gradient(
                logprobs, tokens[begin:end], grad_logp[begin:end], entropy[begin:end], grad_entropy[begin:end]
            )
            if ctx.temperature != 1.0:
                grad_logits /= ctx.temperature
            grad_logits = grad_logits.to(states.dtype)
            if grad_states is not None:
                grad_states[begin:end] = product(grad_logits, weight.T)
            if need_weight:
                of_chunk = transposed_product(grad_logits, states[begin:end])
                grad_weight = of_chunk if grad_weight is None else grad_weight + of_chunk
            if grad_bias is not None:
                grad_bias += grad_logits.sum(0)
        return grad_states, grad_weight, grad_bias, None, None, None


def _chunks(tokens: int, vocabulary: int, dtype: torch.dtype) -> list[tuple[int, int]]:
    rows = max(1, CHUNK_BYTES // (vocabulary * dtype.itemsize))
    return [(begin, min(begin + rows, tokens)) for begin in range(0, tokens, rows)]


def _blocks(logits: Tensor) -> Iterator[slice]:
    # On a GPU the cost is in launching operations, so there a chunk is one block.
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


def _turn_into_gradient(logprobs: Tensor, tokens: Tensor, grad_logp: Tensor, entropy: Tensor, grad_entropy: Tensor) -> Tensor:
    """Turn log-probs into the gradient of the logits, in place.

    d logp_token / d logits = onehot(token) - p; d entropy / d logits = -p (log p + entropy).
    """
    with_entropy = bool(grad_entropy.any())
    for rows in _blocks(logprobs):
        block, at = logprobs[rows], grad_logp[rows, None]
        if with_entropy:
            torch.mul(block.exp(), (block + entropy[rows, None]).mul_(grad_entropy[rows, None]).add_(at).neg_(), out=block)
        else:
            block.exp_().mul_(-at)
    return logprobs.scatter_add_(1, tokens[:, None], grad_logp[:, None].to(logprobs.dtype))
