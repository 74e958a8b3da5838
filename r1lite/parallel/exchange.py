"""What ranks tell each other. Each function is collective: all ranks must call it, in the same order. One rank exchanges nothing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from r1lite.parallel import doing, world

if TYPE_CHECKING:
    from torch import Tensor, nn

T = TypeVar("T")
POLL_SECONDS = 0.05  # between two looks whether the leader is done
BUCKET_BYTES = 64 * 2**20  # of gradients in one exchange


def gather(value: T) -> list[T]:
    """The values of all ranks, in their order."""
    if world.size() == 1:
        return [value]
    import torch.distributed as dist

    values: list[Any] = [None] * world.size()
    with doing.exchange():
        dist.all_gather_object(values, value, group=world.group())
    return values


def any_of(flag: bool) -> bool:
    """Whether the flag is set on some rank."""
    if world.size() == 1:
        return flag
    import torch
    import torch.distributed as dist

    count = torch.tensor(int(flag))
    with doing.exchange():
        dist.all_reduce(count, group=world.group())
    return bool(count)


def gather_flat(values: Iterable[T]) -> list[T]:
    """The values of all ranks in one list."""
    return [value for part in gather(list(values)) for value in part]


def on_leader(function: Callable[[], T], *, patient: bool = False) -> T:
    """What the function gives on the leader, which alone runs it. Where it may take hours, the others are `patient`."""
    if world.size() == 1:
        return function()
    import torch.distributed as dist

    key = f"leader/{world.channel()}/{_next_call()}"
    values: list[Any] = [None]
    with doing.exchange(patient=patient, alone=world.is_leader()):
        if world.is_leader():
            with world.alone():
                values = [function()]
            world.store().set(key, "done")
        else:
            while not world.store().check([key]):
                time.sleep(POLL_SECONDS)
        dist.broadcast_object_list(values, src=0, group=world.group())
    return values[0]


def leader_writes(function: Callable[[], object]) -> None:
    """Let the leader write something that the other ranks may read afterwards."""

    def write() -> None:
        function()

    on_leader(write)


def wait_for_leader() -> None:
    """Go on once the leader has come here too."""
    on_leader(lambda: None)


def sum_metrics(metrics: Mapping[str, float]) -> dict[str, float]:
    """Sum metrics over all ranks, of which some may lack some."""
    if world.size() == 1:
        return dict(metrics)
    total: dict[str, float] = {}
    for part in gather(dict(metrics)):
        for key, value in part.items():
            total[key] = total.get(key, 0.0) + value
    return total


def sum_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Sum gradients over all ranks, once per step. A sum, since each rank divides its loss by the totals of all ranks.

    Those of sharded weights have been summed in the backward pass.
    """
    if world.size() == 1:
        return
    import torch
    import torch.distributed as dist
    from torch.distributed.tensor import DTensor

    for bucket in _buckets([p for p in parameters if not isinstance(p, DTensor)]):
        for p in bucket:
            p.grad = torch.zeros_like(p) if p.grad is None else p.grad
        gradients = [p.grad for p in bucket if p.grad is not None]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        with doing.exchange():
            dist.all_reduce(flat)
        for gradient, summed in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(summed.view_as(gradient))


def gather_values(local: Tensor) -> Tensor:
    """Concatenate the values [M] of all ranks, in their order. M may differ between ranks."""
    if world.size() == 1:
        return local
    import torch

    return torch.cat(gather(local.cpu())).to(local.device)


def _buckets(parameters: Sequence[nn.Parameter]) -> Iterator[list[nn.Parameter]]:
    """Parameters in their order, up to a size together; those of a bucket have one dtype."""
    bucket: list[nn.Parameter] = []
    for p in parameters:
        if bucket and (p.dtype != bucket[0].dtype or sum(q.nbytes for q in bucket) + p.nbytes > BUCKET_BYTES):
            yield bucket
            bucket = []
        bucket.append(p)
    if bucket:
        yield bucket


_calls: Counter[str] = Counter()  # by channel, whose calls come in the same order on all ranks


def _next_call() -> int:
    _calls[world.channel()] += 1
    return _calls[world.channel()]
