"""Samples -> micro-batches under a token budget. The first place where tensors exist."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from r1lite.types import Batch, Sample, Totals


def collate(
    samples: Sequence[Sample], *, micro_batch_tokens: int, totals: Totals | None = None, device: torch.device | str = "cpu"
) -> list[Batch]:
    """Micro-batches of similar lengths. Cutting finer changes memory and nothing else: the totals are the step's."""
    totals = totals or totals_of(samples)
    return [as_batch([samples[i] for i in rows], rows, totals, device) for rows in _cut([_length(s) for s in samples], micro_batch_tokens)]


def collate_pairs(pairs: Sequence[tuple[Sample, Sample]], *, micro_batch_tokens: int, device: torch.device | str = "cpu") -> list[Batch]:
    """Micro-batches of whole pairs: the first of each pair in the first half of the rows, the second in the other."""
    totals = Totals(tokens=sum(len(s.token_ids) for pair in pairs for s in pair), sequences=len(pairs))
    widths = [2 * max(map(_length, pair)) for pair in pairs]
    return [as_batch([pairs[i][side] for side in (0, 1) for i in rows], rows, totals, device) for rows in _cut(widths, micro_batch_tokens)]


def totals_of(samples: Sequence[Sample]) -> Totals:
    return Totals(tokens=sum(len(s.token_ids) for s in samples), sequences=len(samples))


def per_sample(batches: Sequence[Batch], values: Sequence[Tensor], samples: Sequence[Sample]) -> list[list[float]]:
    """[N, T] tensors, one for each batch, as one list for each sample: its completion's tokens."""
    found: list[list[float]] = [[] for _ in samples]
    for batch, tensor in zip(batches, values, strict=True):
        for i, row in zip(batch.rows, tensor.float().cpu().tolist(), strict=True):
            begin = len(samples[i].prompt_ids) - batch.first
            found[i] = row[begin : begin + len(samples[i].token_ids)]
    return found


def as_batch(samples: Sequence[Sample], rows: Sequence[int], totals: Totals, device: torch.device | str) -> Batch:
    """Rows are padded on the right, where causal attention never looks, so no attention mask is needed."""
    first, width = min(len(s.prompt_ids) for s in samples), max(map(_length, samples))
    input_ids = torch.zeros(len(samples), width, dtype=torch.long)
    for row, sample in enumerate(samples):
        input_ids[row, : _length(sample)] = torch.tensor(sample.prompt_ids + sample.token_ids)

    def field(values: Sequence[Sequence[float]]) -> Tensor:
        filled = torch.zeros(len(samples), width - first)
        for row, (sample, given) in enumerate(zip(samples, values, strict=True)):
            begin = len(sample.prompt_ids) - first
            filled[row, begin : begin + len(given)] = torch.tensor(given)
        return filled.to(device)

    known = {name: all(getattr(s, name) for s in samples) for name in ("logprobs", "values", "returns")}
    return Batch(
        input_ids=input_ids.to(device),
        first=first,
        mask=field([[1.0] * len(s.token_ids) for s in samples]),
        old_logp=field([s.old_logprobs or s.logprobs for s in samples]),
        advantages=field([s.token_advantages or [s.advantage] * len(s.token_ids) for s in samples]),
        totals=totals,
        rows=tuple(rows),
        sampler_logp=field([s.logprobs for s in samples]) if known["logprobs"] else None,
        values=field([s.values for s in samples]) if known["values"] else None,
        returns=field([s.returns for s in samples]) if known["returns"] else None,
    )


def _cut(widths: Sequence[int], budget: int) -> list[list[int]]:
    parts: list[list[int]] = []
    for i in sorted(range(len(widths)), key=lambda i: -widths[i]):
        # Sorted by width, so the first of a part is its widest and sets the padded width.
        if parts and widths[parts[-1][0]] * (len(parts[-1]) + 1) <= budget:
            parts[-1].append(i)
        else:
            parts.append([i])
    return parts


def _length(sample: Sample) -> int:
    return len(sample.prompt_ids) + len(sample.token_ids)
