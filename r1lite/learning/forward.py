"""One pass of a model over a batch: log-probs and entropies of the completion tokens, and the states they came from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from r1lite.models.adapters import trunk_of
from r1lite.models.attention import layers_without_full_attention, takes_masks
from r1lite.models.head import has_plain_head, head_log_probs
from r1lite.models.layers import uses_gradient_checkpointing
from r1lite.types import Batch, Prompts

if TYPE_CHECKING:
    from transformers import PreTrainedModel

CHUNK_BYTES = 64 * 2**20  # of logits at once, where a loss of its own is taken of them


@dataclass(frozen=True, kw_only=True, slots=True)
class Forward:
    """All [N, T]: what stands at t belongs to the completion token t, and was known before it."""

    logp: Tensor
    entropy: Tensor
    hidden: Tensor | None  # [N, T, hidden] the trunk's state from which token t was drawn


def forward(model: PreTrainedModel, batch: Batch, temperature: float, *, entropy_grad: bool = False, hidden: bool = False) -> Forward:
    if not has_plain_head(model):
        return _by_the_models_own_head(model, batch, temperature, entropy_grad=entropy_grad, hidden=hidden)
    # The output head sees completion tokens alone: no prompt, no padding.
    states = states_before(trunk_of(model), batch)
    inside = batch.mask > 0
    head: Any = model.get_output_embeddings()
    tokens = batch.input_ids if batch.first is None else batch.input_ids[:, batch.first :]
    logp, entropy = head_log_probs(head, states[inside], tokens[inside], temperature, entropy_grad=entropy_grad)
    empty = torch.zeros_like(batch.mask, dtype=logp.dtype)
    return Forward(logp=empty.masked_scatter(inside, logp), entropy=empty.masked_scatter(inside, entropy), hidden=states)


def states_before(trunk: Any, batch: Batch) -> Tensor:
    """[N, T, hidden]: the trunk's state at the position before each completion token."""
    if batch.prompts is not None:
        return after_shared_prompts(trunk, batch)
    return trunk(input_ids=batch.input_ids, use_cache=False).last_hidden_state[:, before_each_token(batch)]


def before_each_token(batch: Batch) -> Tensor:
    """The positions whose states predict the batch's T columns."""
    assert batch.first is not None
    return torch.arange(batch.first - 1, batch.input_ids.shape[1] - 1, device=batch.input_ids.device)


def _by_the_models_own_head(model: Any, batch: Batch, temperature: float, *, entropy_grad: bool, hidden: bool) -> Forward:
    """Whole sequences through a model that shapes its logits in its own way."""
    keep = before_each_token(batch)
    out = model(input_ids=batch.input_ids, logits_to_keep=keep, use_cache=False, output_hidden_states=hidden)
    precise = torch.promote_types(out.logits.dtype, torch.float32)
    logprobs = torch.log_softmax(out.logits.to(precise) / temperature, dim=-1)
    logp = logprobs.gather(-1, batch.input_ids[:, batch.first :].unsqueeze(-1)).squeeze(-1)
    with torch.set_grad_enabled(entropy_grad and torch.is_grad_enabled()):
        entropy = -(logprobs.exp() * logprobs).sum(-1)
    return Forward(logp=logp, entropy=entropy, hidden=out.hidden_states[-1][:, keep] if hidden else None)


def after_shared_prompts(trunk: Any, batch: Batch) -> Tensor:
    """[N, T, hidden]: completions go over the keys and values of their prompts, which carry gradient."""
    from transformers import DynamicCache

    prompts = batch.prompts
    assert prompts is not None
    seen = trunk(input_ids=prompts.ids, past_key_values=DynamicCache(), use_cache=True)
    last = seen.last_hidden_state[torch.arange(len(prompts.lengths), device=prompts.ids.device), prompts.lengths - 1]
    first_states = last[prompts.of_row].unsqueeze(1)
    if batch.input_ids.shape[1] == 1:
        return first_states
    cache = DynamicCache()
    for at, layer in enumerate(seen.past_key_values.layers):
        cache.update(layer.keys[prompts.of_row], layer.values[prompts.of_row], at)
    mask, positions = _after_prompts(prompts, batch.input_ids.shape[1] - 1)
    rest = trunk(
        input_ids=batch.input_ids[:, :-1], attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True
    ).last_hidden_state
    return torch.cat([first_states, rest], dim=1)


def can_share_prompts(model: Any) -> bool:
    """Whether a prompt's keys and values are all that later layers need of it, the head's output is the logits, no layer runs twice,
    and attention takes a mask of truth values, which transformers' plain one would add to its scores."""
    shareable = takes_masks(model) and has_plain_head(model) and not uses_gradient_checkpointing(model)
    return shareable and not layers_without_full_attention(model)


def _after_prompts(prompts: Prompts, columns: int) -> tuple[Tensor, Tensor]:
    """The attention mask [N, 1, T, prompt + T] and the positions [N, T] of completion tokens."""
    lengths = prompts.lengths[prompts.of_row]
    steps = torch.arange(columns, device=lengths.device)
    of_prompt = torch.arange(prompts.ids.shape[1], device=lengths.device) < lengths[:, None]
    causal = (steps[None, :] <= steps[:, None])[None, None].expand(len(lengths), 1, -1, -1)
    return torch.cat([of_prompt[:, None, None, :].expand(-1, 1, columns, -1), causal], dim=-1), lengths[:, None] + steps


def completion_states(model: Any, batch: Batch) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """[M, hidden]: the states from which the completions' tokens come, row after row; and the way from there to logits."""
    inside = batch.mask > 0
    if not has_plain_head(model):  # its own way is the only one; then a micro-batch's logits do exist together
        keep = before_each_token(batch)
        return model(input_ids=batch.input_ids, logits_to_keep=keep, use_cache=False).logits[inside], lambda logits: logits
    return states_before(trunk_of(model), batch)[inside], model.get_output_embeddings()


def in_chunks(function: Callable[..., tuple[Tensor, ...]], *tensors: Tensor, width: int) -> list[Tensor]:
    """A function of rows, for as many at a time as CHUNK_BYTES has room for `width` logits of; its outputs, joined."""
    rows = max(1, CHUNK_BYTES // (4 * width))
    if len(tensors[0]) <= rows:
        return list(function(*tensors))
    again = torch.is_grad_enabled()  # the backward pass makes each chunk's logits anew
    parts: list[Any] = [
        checkpoint(function, *part, use_reentrant=False) if again else function(*part)
        for part in zip(*(t.split(rows) for t in tensors), strict=True)
    ]
    return [torch.cat(column) for column in zip(*parts, strict=True)]
