"""Whether ranks that should hold the same weights do. They compute the same sums, so a difference comes from outside: a fault of
memory or a GPU, or another library on one machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from r1lite.parallel import exchange, world

if TYPE_CHECKING:
    from torch import Tensor


class Drifted(ValueError):
    """A rank holds other weights than the rest."""


def check_weights(step: int, weights: Iterable[tuple[str, Tensor]]) -> None:
    """Compare the weights of all ranks that hold the same ones. Collective; one rank compares nothing."""
    if world.size() == world.shard():
        return
    import torch

    sums = {name: _sum(getattr(weight, "_local_tensor", weight)) for name, weight in weights}
    rows = exchange.gather(torch.stack([*sums.values()]).tolist())
    for shard in range(world.shard()):
        found = odd_one(rows[shard :: world.shard()])
        if found is not None:
            number, column = found
            where = world.place_of(shard + number * world.shard())
            raise Drifted(
                f"{where} holds other weights than the other ranks after step {step} (the first is {[*sums][column]}), though all compute "
                "the same: its memory or GPU may be faulty, or its libraries differ. The same command resumes the run from its last "
                "checkpoint, before which the weights were equal."
            )


def odd_one(rows: Sequence[Sequence[int]]) -> tuple[int, int] | None:
    """The first row that differs from what most have (of two, from the first), and the column where it does."""
    most = Counter(map(tuple, rows)).most_common(1)[0][0]
    for number, row in enumerate(rows):
        if tuple(row) != most:
            return number, next(i for i, (one, other) in enumerate(zip(row, most, strict=True)) if one != other)
    return None


def _sum(weight: Tensor) -> Any:
    """The sum of the bit patterns, which any single change changes."""
    import torch

    integers = {2: torch.int16, 4: torch.int32, 8: torch.int64}[weight.element_size()]
    return weight.detach().contiguous().view(integers).sum(dtype=torch.int64)
