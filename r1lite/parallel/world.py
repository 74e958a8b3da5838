"""The ranks of a run. All run the same program on the same data, and each does its share of the work.

What is shared out is sampling and scoring (by problem) and the passes over sequences (by length). Everything else, every rank
computes for itself from the same numbers, so that all take the same decisions without asking each other. One rank, the leader,
writes files and prints. A process that no launcher has started is the only rank.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """The ranks, as one of them sees them."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0  # among the ranks of this machine
    local_size: int = 1
    shard: int = 1  # ranks that hold one copy of the weights together
    offload: bool = False  # keep the parts of weights and their optimiser states in the CPU's memory
    store: Any = None  # torch's key-value store, which all ranks see
    groups: dict[str, Any] = field(default_factory=dict)  # gloo process groups, by channel


MAIN, SAMPLING, CHECKPOINT = "main", "sampling", "checkpoint"  # channels: what two threads exchange must not get mixed up

_joined = World()
_alone: ContextVar[bool] = ContextVar("alone", default=False)
_channel: ContextVar[str] = ContextVar("channel", default=MAIN)


def world() -> World:
    return World() if _alone.get() else _joined


def rank() -> int:
    return world().rank


def size() -> int:
    """The number of ranks."""
    return world().size


def is_leader() -> bool:
    """Whether this rank writes files and prints."""
    return _joined.rank == 0


def local_rank() -> int:
    """This rank's number on its machine, which is also that of its GPU."""
    return _joined.local_rank


def local_size() -> int:
    """The number of ranks on this machine."""
    return _joined.local_size


def shard() -> int:
    """The number of ranks that hold one copy of the weights together; 1 if each has a whole copy."""
    return world().shard


def offload() -> bool:
    return world().offload


def channel() -> str:
    return _channel.get()


def group() -> Any:
    """The process group of the current channel."""
    return _joined.groups[channel()]


def store() -> Any:
    return _joined.store


def place_of(number: int) -> str:
    """How messages name a rank: its number and its machine."""
    return f"rank {number} on {_joined.store.get(f'host/{number}').decode()}"


@contextmanager
def alone() -> Iterator[None]:
    """Inside the context this rank works by itself: it exchanges nothing and shares out nothing."""
    token = _alone.set(True)
    try:
        yield
    finally:
        _alone.reset(token)


def use_channel(name: str) -> None:
    """Let the current context, such as that of a thread, exchange in a process group of its own."""
    _channel.set(name)


def is_one_of_several() -> bool:
    """Whether a launcher has started this process as one of several ranks."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def join(timeout: float, *, shard: int = 1, offload: bool = False) -> None:
    """Meet the other ranks; does nothing in a process that is the only one. A collective that takes longer than `timeout` fails."""
    global _joined
    if not is_one_of_several() and shard > 1:
        raise ValueError(f"parallel.shard={shard} needs as many ranks: start them with processes={shard}, or with torchrun")
    if not is_one_of_several() or _joined.size > 1:
        return
    import torch
    import torch.distributed as dist

    number, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    if count % shard:
        raise ValueError(f"parallel.shard={shard} must divide the number of ranks, which is {count}")
    limit = timedelta(seconds=timeout)
    store = dist.PrefixStore(f"r1lite/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", _store(number, count, limit))
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    dist.init_process_group(backend, store=dist.PrefixStore("torch", store), rank=number, world_size=count, timeout=limit)
    store.set(f"host/{number}", socket.gethostname())
    groups = {channel: dist.new_group(backend="gloo", timeout=limit) for channel in (MAIN, SAMPLING, CHECKPOINT)}
    _joined = World(
        rank=number,
        size=count,
        local_rank=int(os.environ.get("LOCAL_RANK", number)),
        local_size=int(os.environ.get("LOCAL_WORLD_SIZE", count)),
        shard=shard,
        offload=offload,
        store=store,
        groups=groups,
    )


def leave() -> None:
    """Part from the other ranks."""
    global _joined
    if _joined.size == 1:
        return
    import torch.distributed as dist

    _joined = World()
    dist.destroy_process_group()


def _store(number: int, count: int, limit: timedelta) -> Any:
    """The launcher's store if it has one, as torchrun's does; else the leader's."""
    import torch.distributed as dist

    host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    of_launcher = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    return dist.TCPStore(host, port, None if of_launcher else count, is_master=number == 0 and not of_launcher, timeout=limit)
