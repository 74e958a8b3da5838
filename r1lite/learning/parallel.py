"""What the ranks of a run agree on: divisors, metrics, gradients. One process exchanges nothing and pays nothing.

Every function is collective: all ranks call it, in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
import torch.distributed as dist
from torch import Tensor, nn

from r1lite.types import Totals


def ranks() -> int:
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def totals(own: Totals) -> Totals:
    """The totals of a step over all ranks: what its loss is divided by."""
    if ranks() == 1:
        return own
    tokens, sequences = _summed([own.tokens, own.sequences], torch.int64)
    return Totals(tokens=int(tokens), sequences=int(sequences))


def sums(metrics: Mapping[str, float]) -> dict[str, float]:
    """Metrics that are sums over a step's tokens, added up over all ranks. Every rank has the same keys."""
    if ranks() == 1:
        return dict(metrics)
    keys = sorted(metrics)
    return dict(zip(keys, _summed([metrics[key] for key in keys], torch.float64), strict=True))


def sum_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Add up the gradients of all ranks, once a step: each rank has divided its loss by the totals of all."""
    if ranks() == 1:
        return
    for p in parameters:
        p.grad = torch.zeros_like(p) if p.grad is None else p.grad
        dist.all_reduce(p.grad)


def values(own: Tensor) -> Tensor:
    """The values [M] of all ranks, in the order of the ranks; M differs from rank to rank."""
    if ranks() == 1:
        return own
    counts = [torch.zeros(1, dtype=torch.int64, device=own.device) for _ in range(ranks())]
    dist.all_gather(counts, torch.tensor([len(own)], device=own.device))
    lengths = [int(count) for count in counts]
    parts = [own.new_empty(max(lengths)) for _ in lengths]
    dist.all_gather(parts, torch.nn.functional.pad(own, (0, max(lengths) - len(own))))
    return torch.cat([part[:length] for part, length in zip(parts, lengths, strict=True)])


def _summed(numbers: list[float] | list[int], dtype: torch.dtype) -> list[float]:
    tensor = torch.tensor(numbers, dtype=dtype)
    dist.all_reduce(tensor)
    return tensor.tolist()
