"""A forward pass over a batch: log-probs and entropies of the completion tokens, and the hidden states that predict them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from r1lite.learning.sharding import entered, through
from r1lite.models.adapters import trunk_of
from r1lite.models.attention import layers_without_full_attention, takes_masks
from r1lite.models.head import has_plain_head, head_log_probs
from r1lite.models.layers import uses_gradient_checkpointing
from r1lite.types import Batch, Prompts

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Outputs = tuple[Tensor, Tensor, Tensor | None]  # log-probs, entropies, states if they are asked for

CHUNK_BYTES = 64 * 2**20  # of logits at once, in `in_chunks`


@dataclass(frozen=True, kw_only=True, slots=True)
class Forward:
    """The results for each completion token, in the columns of the batch."""

    logp: Tensor  # [N, T]
    entropy: Tensor  # [N, T] of the distribution that token t was sampled from
    hidden: Tensor | None  # [N, T, hidden] the trunk's state that predicts token t


def forward(model: PreTrainedModel, batch: Batch, temperature: float, *, entropy_grad: bool = False, hidden: bool = False) -> Forward:
    """Run the model over a batch. `hidden` asks for the states, `entropy_grad` for gradients of the entropy."""
    compute = _with_plain_head if has_plain_head(model) else _with_own_head
    function = partial(compute, batch=batch, temperature=temperature, entropy_grad=entropy_grad, hidden=hidden)
    logp, entropy, states = through(model, function)
    assert logp is not None
    assert entropy is not None
    return Forward(logp=logp, entropy=entropy, hidden=states)


def _with_plain_head(model: PreTrainedModel, batch: Batch, temperature: float, *, entropy_grad: bool, hidden: bool) -> Outputs:
    # The output head computes trained tokens only: no prompts, no padding.
    states = states_before(trunk_of(model), batch)
    trained = batch.mask > 0
    head: Any = model.get_output_embeddings()
    tokens = batch.input_ids if batch.first is None else batch.input_ids[:, batch.first :]
    logp, entropy = head_log_probs(head, states[trained], tokens[trained], temperature, entropy_grad=entropy_grad)
    empty = torch.zeros_like(batch.mask, dtype=logp.dtype)
    return empty.masked_scatter(trained, logp), empty.masked_scatter(trained, entropy), states if hidden else None


def states_before(trunk: nn.Module, batch: Batch) -> Tensor:
    """The trunk's states [N, T, hidden] at the position before each completion token."""
    return through(trunk, partial(_states_before, batch=batch))


def _states_before(trunk: nn.Module, batch: Batch) -> Tensor:
    if batch.prompts is not None:
        return states_after_shared_prompts(trunk, batch, batch.prompts)
    return entered(trunk)(input_ids=batch.input_ids, use_cache=False).last_hidden_state[:, predicting_positions(batch)]


def predicting_positions(batch: Batch) -> Tensor:
    """The positions whose states predict the T columns of a batch of whole sequences."""
    assert batch.first is not None
    return torch.arange(batch.first - 1, batch.input_ids.shape[1] - 1, device=batch.input_ids.device)


def _with_own_head(model: PreTrainedModel, batch: Batch, temperature: float, *, entropy_grad: bool, hidden: bool) -> Outputs:
    """The same for a model that changes its logits after the output head, such as by soft-capping. Takes whole sequences."""
    keep = predicting_positions(batch)
    out = entered(model)(input_ids=batch.input_ids, logits_to_keep=keep, use_cache=False, output_hidden_states=hidden)
    precise = torch.promote_types(out.logits.dtype, torch.float32)
    logprobs = torch.log_softmax(out.logits.to(precise) / temperature, dim=-1)
    logp = logprobs.gather(-1, batch.input_ids[:, batch.first :].unsqueeze(-1)).squeeze(-1)
    with torch.set_grad_enabled(entropy_grad and torch.is_grad_enabled()):
        entropy = -(logprobs.exp() * logprobs).sum(-1)
    return logp, entropy, out.hidden_states[-1][:, keep] if hidden else None


def states_after_shared_prompts(trunk: nn.Module, batch: Batch, prompts: Prompts) -> Tensor:
    """The states [N, T, hidden] of completions that attend to the keys and values of their prompts. Gradients reach the prompts."""
    from transformers import DynamicCache

    prefilled = entered(trunk)(input_ids=prompts.ids, past_key_values=DynamicCache(), use_cache=True)
    last = prefilled.last_hidden_state[torch.arange(len(prompts.lengths), device=prompts.ids.device), prompts.lengths - 1]
    first_states = _rows(last, prompts.of_row).unsqueeze(1)
    if batch.input_ids.shape[1] == 1:
        return first_states
    cache = DynamicCache()
    for index, layer in enumerate(prefilled.past_key_values.layers):
        cache.update(_rows(layer.keys, prompts.of_row), _rows(layer.values, prompts.of_row), index)
    mask, positions = _after_prompts(prompts, batch.input_ids.shape[1] - 1)
    rest = entered(trunk)(
        input_ids=batch.input_ids[:, :-1], attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True
    ).last_hidden_state
    return torch.cat([first_states, rest], dim=1)


def _rows(x: Tensor, rows: Tensor) -> Tensor:
    """x[rows], where rows repeat, with gradients that are the same bits each time.

    On CPU threads the backward pass of indexing adds in no fixed order; on CUDA that of `index_select` does.
    """
    return x.index_select(0, rows) if x.device.type == "cpu" else x[rows]


def can_share_prompts(model: PreTrainedModel) -> bool:
    """Whether completions can attend to the cached keys and values of a prompt that they share.

    Every layer must attend to the whole prompt, attention must accept a boolean mask (eager attention would add it to the scores),
    the logits must be the output of a plain head, and no layer may run twice, as gradient checkpointing would.
    """
    shareable = takes_masks(model) and has_plain_head(model) and not uses_gradient_checkpointing(model)
    return shareable and not layers_without_full_attention(model)


def _after_prompts(prompts: Prompts, columns: int) -> tuple[Tensor, Tensor]:
    """The attention mask [N, 1, T, prompt + T] and the position ids [N, T] of completion tokens."""
    lengths = prompts.lengths[prompts.of_row]
    steps = torch.arange(columns, device=lengths.device)
    of_prompt = torch.arange(prompts.ids.shape[1], device=lengths.device) < lengths[:, None]
    causal = (steps[None, :] <= steps[:, None])[None, None].expand(len(lengths), 1, -1, -1)
    return torch.cat([of_prompt[:, None, None, :].expand(-1, 1, columns, -1), causal], dim=-1), lengths[:, None] + steps


def completion_states(model: PreTrainedModel, batch: Batch) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """The states [M, hidden] that predict the trained tokens, row by row, and the function from states to logits.

    To be called inside `through`, as the function from states to logits must be.

    A model that changes its logits after the head computes them all at once: then the states are the logits.
    """
    trained = batch.mask > 0
    if not has_plain_head(model):
        keep = predicting_positions(batch)
        return entered(model)(input_ids=batch.input_ids, logits_to_keep=keep, use_cache=False).logits[trained], lambda logits: logits
    head: Any = model.get_output_embeddings()
    return states_before(trunk_of(model), batch)[trained], head


def in_chunks(function: Callable[..., tuple[Tensor, ...]], *tensors: Tensor, width: int) -> list[Tensor]:
    """Apply a function of rows to chunks of rows, and concatenate its outputs. A chunk has CHUNK_BYTES of rows of `width` logits."""
    rows = max(1, CHUNK_BYTES // (4 * width))
    if len(tensors[0]) <= rows:
        return list(function(*tensors))
    recompute = torch.is_grad_enabled()  # the backward pass computes the logits of each chunk again
    parts: list[Any] = [
        checkpoint(function, *part, use_reentrant=False) if recompute else function(*part)
        for part in zip(*(t.split(rows) for t in tensors), strict=True)
    ]
    return [torch.cat(column) for column in zip(*parts, strict=True)]
