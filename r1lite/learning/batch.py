"""Samples -> micro-batches under a token budget. The first place where tensors exist."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from r1lite.learning import parallel
from r1lite.learning.packing import Part, cut, cut_by_prompt, length, padded_tokens
from r1lite.types import Batch, Prompts, Sample, Totals


def collate(
    samples: Sequence[Sample],
    *,
    micro_batch_tokens: int,
    totals: Totals | None = None,
    device: torch.device | str = "cpu",
    share_prompts: bool = False,
) -> list[Batch]:
    """Micro-batches of similar lengths. Cutting finer changes memory and nothing else: the totals are the step's.

    With `share_prompts` a prompt stands once for all of its samples, wherever that leaves less to compute.
    """
    totals = totals or parallel.totals(totals_of(samples))
    whole = cut([length(s) for s in samples], micro_batch_tokens)
    if share_prompts:
        shared = cut_by_prompt(samples, micro_batch_tokens)
        if sum(padded_tokens(samples, part) for part in shared) < sum(len(p) * max(length(samples[i]) for i in p) for p in whole):
            return [_with_prompts(samples, part, totals, device) for part in shared]
    return [as_batch([samples[i] for i in rows], rows, totals, device) for rows in whole]


def collate_pairs(pairs: Sequence[tuple[Sample, Sample]], *, micro_batch_tokens: int, device: torch.device | str = "cpu") -> list[Batch]:
    """Micro-batches of whole pairs: the first of each pair in the first half of the rows, the second in the other."""
    totals = parallel.totals(Totals(tokens=sum(s.trained for pair in pairs for s in pair), sequences=len(pairs)))
    widths = [2 * max(map(length, pair)) for pair in pairs]
    return [as_batch([pairs[i][side] for side in (0, 1) for i in rows], rows, totals, device) for rows in cut(widths, micro_batch_tokens)]


def totals_of(samples: Sequence[Sample]) -> Totals:
    return Totals(tokens=sum(s.trained for s in samples), sequences=len(samples))


def per_sample(batches: Sequence[Batch], values: Sequence[Tensor], samples: Sequence[Sample]) -> list[list[float]]:
    """[N, T] tensors, one for each batch, as one list for each sample: its completion's tokens."""
    found: list[list[float]] = [[] for _ in samples]
    for batch, tensor in zip(batches, values, strict=True):
        for i, row in zip(batch.rows, tensor.float().cpu().tolist(), strict=True):
            begin = _begin(samples[i], batch.first)
            found[i] = row[begin : begin + len(samples[i].token_ids)]
    return found


def as_batch(samples: Sequence[Sample], rows: Sequence[int], totals: Totals, device: torch.device | str) -> Batch:
    """Whole sequences, padded on the right, where causal attention never looks, so no attention mask is needed."""
    first, width = min(len(s.prompt_ids) for s in samples), max(map(length, samples))
    ids = _padded([s.prompt_ids + s.token_ids for s in samples], width)
    return _fields(samples, rows, totals, device, first=first, columns=width - first, input_ids=ids.to(device))


def _with_prompts(samples: Sequence[Sample], part: Part, totals: Totals, device: torch.device | str) -> Batch:
    """Completions alone, padded on the right, beside the prompts that they share."""
    chosen = [samples[i] for rows in part for i in rows]
    asked = [samples[rows[0]].prompt_ids for rows in part]
    columns = max(len(s.token_ids) for s in chosen)
    prompts = Prompts(
        ids=_padded(asked, max(map(len, asked))).to(device),
        lengths=torch.tensor([len(p) for p in asked], device=device),
        of_row=torch.tensor([at for at, rows in enumerate(part) for _ in rows], device=device),
    )
    ids = _padded([s.token_ids for s in chosen], columns).to(device)
    flat = [i for rows in part for i in rows]
    return _fields(chosen, flat, totals, device, first=None, columns=columns, input_ids=ids, prompts=prompts)


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
        for row, (sample, given) in enumerate(zip(samples, values, strict=True)):
            begin = _begin(sample, first)
            filled[row, begin : begin + len(given)] = torch.tensor(given)
        return filled.to(device)

    known = {name: all(getattr(s, name) for s in samples) for name in ("logprobs", "values", "returns")}
    return Batch(
        input_ids=input_ids,
        first=first,
        prompts=prompts,
        mask=field([s.mask or [1.0] * len(s.token_ids) for s in samples]),
        old_logp=field([s.old_logprobs or s.logprobs for s in samples]),
        advantages=field([s.token_advantages or [s.advantage] * len(s.token_ids) for s in samples]),
        totals=totals,
        rows=tuple(rows),
        sampler_logp=field([s.logprobs for s in samples]) if known["logprobs"] else None,
        values=field([s.values for s in samples]) if known["values"] else None,
        returns=field([s.returns for s in samples]) if known["returns"] else None,
    )


def _begin(sample: Sample, first: int | None) -> int:
    """The column of a completion's first token."""
    return 0 if first is None else len(sample.prompt_ids) - first


def _padded(rows: Sequence[Sequence[int]], width: int) -> Tensor:
    filled = torch.zeros(len(rows), width, dtype=torch.long)
    for at, row in enumerate(rows):
        filled[at, : len(row)] = torch.tensor(row)
    return filled
