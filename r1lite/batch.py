"""Samples -> micro-batches under a token budget. The first place where tensors exist."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from r1lite.types import Batch, Sample, Totals


def collate(
    samples: Sequence[Sample], *, micro_batch_tokens: int, totals: Totals | None = None, device: torch.device | str = "cpu"
) -> list[Batch]:
    """Micro-batches of similar lengths. Cutting finer changes memory and nothing else: the totals are the step's."""
    totals = totals or totals_of(samples)
    return [_tensors(part, totals, device) for part in _cut(samples, micro_batch_tokens)]


def totals_of(samples: Sequence[Sample]) -> Totals:
    return Totals(tokens=sum(len(s.token_ids) for s in samples), sequences=len(samples))


def _cut(samples: Sequence[Sample], budget: int) -> list[list[Sample]]:
    ordered = sorted(samples, key=_length, reverse=True)
    parts: list[list[Sample]] = []
    for sample in ordered:
        # Sorted by length, so the first of a part is its longest and sets the padded width.
        if parts and _length(parts[-1][0]) * (len(parts[-1]) + 1) <= budget:
            parts[-1].append(sample)
        else:
            parts.append([sample])
    return parts


def _length(sample: Sample) -> int:
    return len(sample.prompt_ids) + len(sample.token_ids)


def _tensors(samples: Sequence[Sample], totals: Totals, device: torch.device | str) -> Batch:
    """Rows are padded on the right, where causal attention never looks, so no attention mask is needed."""
    first = min(len(s.prompt_ids) for s in samples)
    width = max(map(_length, samples))
    input_ids = torch.zeros(len(samples), width, dtype=torch.long)
    mask, old_logp = torch.zeros(len(samples), width - first), torch.zeros(len(samples), width - first)
    for row, sample in enumerate(samples):
        begin, end = len(sample.prompt_ids), _length(sample)
        input_ids[row, :end] = torch.tensor(sample.prompt_ids + sample.token_ids)
        mask[row, begin - first : end - first] = 1.0
        if sample.logprobs:
            old_logp[row, begin - first : end - first] = torch.tensor(sample.logprobs)
    return Batch(
        input_ids=input_ids.to(device),
        first=first,
        mask=mask.to(device),
        old_logp=old_logp.to(device),
        advantages=torch.tensor([s.advantage for s in samples], device=device),
        sampled=all(s.logprobs for s in samples),
        totals=totals,
    )
