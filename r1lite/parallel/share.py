"""Which rank does what. Pure but for the number of ranks: the same on every rank."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import TypeVar

from r1lite.parallel import world

T = TypeVar("T")


def every_nth(items: Sequence[T]) -> list[tuple[int, T]]:
    """This rank's share of the items, with their places: one for each rank in turn."""
    return list(enumerate(items))[world.rank() :: world.size()]


def deal(loads: Sequence[int], ranks: int) -> list[list[int]]:
    """The indices that each rank gets, so that the sums of their loads are close: the heaviest first, to the rank with the least.

    Each rank's indices are in ascending order, so that one rank has what there is as it was.
    """
    shares: list[list[int]] = [[] for _ in range(ranks)]
    least = [(0, number) for number in range(ranks)]
    for i in sorted(range(len(loads)), key=lambda i: -loads[i]):
        load, number = heapq.heappop(least)
        shares[number].append(i)
        heapq.heappush(least, (load + loads[i], number))
    return [sorted(share) for share in shares]
