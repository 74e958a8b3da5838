"""Packs samples into micro-batches within a budget of padded tokens. Pure: lengths in, indices out."""

from __future__ import annotations

from collections.abc import Sequence

from r1lite.types import Sample

Part = list[list[int]]  # a micro-batch with shared prompts: for each prompt, the indices of its samples


def pack(widths: Sequence[int], budget: int) -> list[list[int]]:
    """Row indices per micro-batch, the widest rows first: the first row of a micro-batch sets its padded width."""
    parts: list[list[int]] = []
    for i in sorted(range(len(widths)), key=lambda i: -widths[i]):
        if parts and widths[parts[-1][0]] * (len(parts[-1]) + 1) <= budget:
            parts[-1].append(i)
        else:
            parts.append([i])
    return parts


def pack_by_prompt(samples: Sequence[Sample], budget: int) -> list[Part]:
    """Keep the samples of a prompt together, longest completions first. A prompt with too many samples is repeated in the next part."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for i in sorted(range(len(samples)), key=lambda i: -len(samples[i].token_ids)):
        groups.setdefault(samples[i].prompt_ids, []).append(i)
    parts: list[Part] = []
    for rows in sorted(groups.values(), key=lambda rows: -len(samples[rows[0]].token_ids)):
        for i in rows:
            if not parts or padded_tokens(samples, _with(parts[-1], i, samples)) > budget:
                parts.append([])
            parts[-1] = _with(parts[-1], i, samples)
    return parts


def padded_tokens(samples: Sequence[Sample], part: Part) -> int:
    """The padded tokens of a part: those of its prompts, once, and of its completions."""
    prompts = max(len(samples[rows[0]].prompt_ids) for rows in part) * len(part)
    rows = [i for of_prompt in part for i in of_prompt]
    return prompts + len(rows) * max(len(samples[i].token_ids) for i in rows)


def length(sample: Sample) -> int:
    return len(sample.prompt_ids) + len(sample.token_ids)


def _with(part: Part, i: int, samples: Sequence[Sample]) -> Part:
    if part and samples[part[-1][0]].prompt_ids == samples[i].prompt_ids:
        return [*part[:-1], [*part[-1], i]]
    return [*part, [i]]
