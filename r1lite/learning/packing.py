"""Packs samples into micro-batches within a budget of padded tokens. Pure: lengths in, indices out."""

from __future__ import annotations

from collections.abc import Sequence

from r1lite.parallel import share
from r1lite.types import Sample

UNITS_PER_RANK = 2  # with fewer prompts than this, their samples are split between ranks
Part = list[list[int]]  # a micro-batch with shared prompts: for each prompt, the indices of its samples


def pack_shares(samples: Sequence[Sample], budget: int, ranks: int) -> list[list[list[int]]]:
    """For each rank, its micro-batches of sample indices."""
    return _packed([length(s) for s in samples], budget, ranks)


def pack_pairs(pairs: Sequence[tuple[Sample, Sample]], budget: int, ranks: int) -> list[list[list[int]]]:
    """For each rank, its micro-batches of pair indices. A pair takes two rows of the width of its longer one."""
    return _packed([2 * max(map(length, pair)) for pair in pairs], budget, ranks)


def pack_shares_by_prompt(samples: Sequence[Sample], budget: int, ranks: int) -> list[list[Part]]:
    """For each rank, its micro-batches with shared prompts. A prompt's samples go to one rank, unless there are too few prompts."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for i, sample in enumerate(samples):
        groups.setdefault(sample.prompt_ids, []).append(i)
    pieces = -(-UNITS_PER_RANK * ranks // len(groups)) if ranks > 1 and groups else 1
    units = [rows[k::pieces] for rows in groups.values() for k in range(min(pieces, len(rows)))]
    shares = share.deal([sum(len(samples[i].token_ids) for i in unit) for unit in units], ranks)
    parts = []
    for of_rank in shares:
        rows = sorted(i for unit in of_rank for i in units[unit])
        packed = pack_by_prompt([samples[i] for i in rows], budget)
        parts.append([[[rows[i] for i in of_prompt] for of_prompt in part] for part in packed])
    return parts


def _packed(widths: Sequence[int], budget: int, ranks: int) -> list[list[list[int]]]:
    return [[[of_rank[i] for i in part] for part in pack([widths[i] for i in of_rank], budget)] for of_rank in share.deal(widths, ranks)]


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
