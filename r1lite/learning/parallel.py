"""Communication between the ranks of a run: divisors, metrics and gradients. A single process communicates nothing.

Every function is collective: all ranks must call it, in the same order. No command starts several ranks yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
import torch.distributed as dist
from torch import Tensor, nn

from r1lite.types import Totals


def world_size() -> int:
    """The number of ranks."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def sum_totals(local: Totals) -> Totals:
    """A step's totals over all ranks, which divide its loss."""
    if world_size() == 1:
        return local
    tokens, sequences = _all_reduce([local.tokens, local.sequences], torch.int64)
    return Totals(tokens=int(tokens), sequences=int(sequences))


def sum_metrics(metrics: Mapping[str, float]) -> dict[str, float]:
    """Sum metrics over all ranks. Every rank must have the same keys."""
    if world_size() == 1:
        return dict(metrics)
    keys = sorted(metrics)
    return dict(zip(keys, _all_reduce([metrics[key] for key in keys], torch.float64), strict=True))


def sum_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Sum gradients over all ranks, once per step. A sum, since each rank divides its loss by the totals of all ranks."""
    if world_size() == 1:
        return
    for p in parameters:
        p.grad = torch.zeros_like(p) if p.grad is None else p.grad
        dist.all_reduce(p.grad)


def gather_values(local: Tensor) -> Tensor:
    """Concatenate the values [M] of all ranks, in the order of the ranks. M may differ between ranks."""
    if world_size() == 1:
        return local
    counts = [torch.zeros(1, dtype=torch.int64, device=local.device) for _ in range(world_size())]
    dist.all_gather(counts, torch.tensor([len(local)], device=local.device))
    lengths = [int(count) for count in counts]
    parts = [local.new_empty(max(lengths)) for _ in lengths]
    dist.all_gather(parts, torch.nn.functional.pad(local, (0, max(lengths) - len(local))))
    return torch.cat([part[:length] for part, length in zip(parts, lengths, strict=True)])


def _all_reduce(numbers: list[float] | list[int], dtype: torch.dtype) -> list[float]:
    tensor = torch.tensor(numbers, dtype=dtype)
    dist.all_reduce(tensor)
    return tensor.tolist()
