"""Turns samples into micro-batches of tensors, within a budget of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import torch
from torch import Tensor

from r1lite.learning.packing import Part, length, pack_pairs, pack_shares, pack_shares_by_prompt, padded_tokens
from r1lite.parallel import exchange, world
from r1lite.types import Batch, Prompts, Sample, Totals

T = TypeVar("T")


def collate(
    samples: Sequence[Sample],
    *,
    micro_batch_tokens: int,
    totals: Totals | None = None,
    device: torch.device | str = "cpu",
    share_prompts: bool = False,
) -> list[Batch]:
    """This rank's micro-batches of samples of similar length. Their size affects memory only, since the totals are those of the step.

    With `share_prompts`, a prompt is computed once for all of its samples, if that means fewer padded tokens over all ranks.
    """
    totals = totals or totals_of(samples)
    whole = pack_shares(samples, micro_batch_tokens, world.size())
    if share_prompts:
        shared = pack_shares_by_prompt(samples, micro_batch_tokens, world.size())
        tokens = sum(len(rows) * max(length(samples[i]) for i in rows) for of_rank in whole for rows in of_rank)
        if sum(padded_tokens(samples, part) for of_rank in shared for part in of_rank) < tokens:
            return _in_step([_batch_with_prompts(samples, part, totals, device) for part in _own(shared, [[_shortest(samples)]])], shared)
    return _in_step([as_batch([samples[i] for i in rows], rows, totals, device) for rows in _own(whole, [_shortest(samples)])], whole)


def collate_pairs(pairs: Sequence[tuple[Sample, Sample]], *, micro_batch_tokens: int, device: torch.device | str = "cpu") -> list[Batch]:
    """This rank's micro-batches of pairs: the first half of the rows has the first sample of each pair, the second half the second."""
    totals = totals_of_pairs(pairs)
    packed = pack_pairs(pairs, micro_batch_tokens, world.size())
    shortest = min(range(len(pairs)), key=lambda i: max(map(length, pairs[i])), default=0)
    parts = _own(packed, [shortest])
    return _in_step([as_batch([pairs[i][side] for side in (0, 1) for i in rows], rows, totals, device) for rows in parts], packed)


def _own(packed: Sequence[list[T]], filler: T) -> list[T]:
    """This rank's micro-batches. With sharded weights, all ranks make as many passes as the one that has most."""
    passes = max(map(len, packed)) if world.shard() > 1 else 0
    own = packed[world.rank()]
    return own + [filler] * (passes - len(own))


def _in_step(batches: list[Batch], packed: Sequence[list[T]]) -> list[Batch]:
    """The same, with those marked that were added to keep step with other ranks."""
    own = len(packed[world.rank()])
    return [batch if number < own else replace(batch, blank=True) for number, batch in enumerate(batches)]


def _shortest(samples: Sequence[Sample]) -> int:
    return min(range(len(samples)), key=lambda i: length(samples[i]), default=0)


def totals_of_pairs(pairs: Sequence[tuple[Sample, Sample]]) -> Totals:
    return Totals(tokens=sum(s.trained for pair in pairs for s in pair), sequences=len(pairs))


def totals_of(samples: Sequence[Sample]) -> Totals:
    return Totals(tokens=sum(s.trained for s in samples), sequences=len(samples))


def per_sample(batches: Sequence[Batch], values: Sequence[Tensor], samples: Sequence[Sample]) -> list[list[float]]:
    """Split [N, T] tensors, one per batch, into one list per sample of all ranks, with a value for each completion token."""
    own: list[tuple[int, list[float]]] = []
    for batch, tensor in [(batch, tensor) for batch, tensor in zip(batches, values, strict=True) if not batch.blank]:
        for i, row in zip(batch.rows, tensor.float().cpu().tolist(), strict=True):
            begin = _begin(samples[i], batch.first)
            own.append((i, row[begin : begin + len(samples[i].token_ids)]))
    of_sample = dict(exchange.gather_flat(own))
    return [of_sample[i] for i in range(len(samples))]


def as_batch(samples: Sequence[Sample], rows: Sequence[int], totals: Totals, device: torch.device | str) -> Batch:
    """A batch of whole sequences. The padding is on the right, which causal attention never sees: no attention mask is needed."""
    first, width = min(len(s.prompt_ids) for s in samples), max(map(length, samples))
    ids = _padded([s.prompt_ids + s.token_ids for s in samples], width)
    return _fields(samples, rows, totals, device, first=first, columns=width - first, input_ids=ids.to(device))


def _batch_with_prompts(samples: Sequence[Sample], part: Part, totals: Totals, device: torch.device | str) -> Batch:
    """A batch of completions and the prompts that they share."""
    rows = [i for of_prompt in part for i in of_prompt]
    chosen = [samples[i] for i in rows]
    prompt_ids = [samples[of_prompt[0]].prompt_ids for of_prompt in part]
    columns = max(len(s.token_ids) for s in chosen)
    if world.shard() > 1:
        columns = max(2, columns)  # one column would spare the second pass over the layers, which other ranks make
    prompts = Prompts(
        ids=_padded(prompt_ids, max(map(len, prompt_ids))).to(device),
        lengths=torch.tensor([len(ids) for ids in prompt_ids], device=device),
        of_row=torch.tensor([p for p, of_prompt in enumerate(part) for _ in of_prompt], device=device),
    )
    ids = _padded([s.token_ids for s in chosen], columns).to(device)
    return _fields(chosen, rows, totals, device, first=None, columns=columns, input_ids=ids, prompts=prompts)


def _fields(
    samples: Sequence[Sample],
    rows: Sequence[int],
    totals: Totals,
    device: torch.device | str,
    *,
    first: int | None,
    columns: int,
    input_ids: Tensor,
    prompts: Prompts | None = None,
) -> Batch:
    def field(values: Sequence[Sequence[float]]) -> Tensor:
        filled = torch.zeros(len(samples), columns)
        for row, (sample, numbers) in enumerate(zip(samples, values, strict=True)):
            begin = _begin(sample, first)
            filled[row, begin : begin + len(numbers)] = torch.tensor(numbers)
        return filled.to(device)

    present = {name: all(getattr(s, name) for s in samples) for name in ("logprobs", "values", "returns")}
    return Batch(
        input_ids=input_ids,
        first=first,
        prompts=prompts,
        mask=field([s.mask or [1.0] * len(s.token_ids) for s in samples]),
        old_logp=field([s.old_logprobs or s.logprobs for s in samples]),
        advantages=field([s.token_advantages or [s.advantage] * len(s.token_ids) for s in samples]),
        totals=totals,
        rows=tuple(rows),
        sampler_logp=field([s.logprobs for s in samples]) if present["logprobs"] else None,
        values=field([s.values for s in samples]) if present["values"] else None,
        returns=field([s.returns for s in samples]) if present["returns"] else None,
    )


def _begin(sample: Sample, first: int | None) -> int:
    """The column of a completion's first token."""
    return 0 if first is None else len(sample.prompt_ids) - first


def _padded(rows: Sequence[Sequence[int]], width: int) -> Tensor:
    filled = torch.zeros(len(rows), width, dtype=torch.long)
    for i, row in enumerate(rows):
        filled[i, : len(row)] = torch.tensor(row)
    return filled
