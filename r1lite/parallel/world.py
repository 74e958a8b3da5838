"""The ranks of a run. All run the same program on the same data, and each does its share of the work.

What is shared out is sampling and scoring (by problem) and the passes over sequences (by length). Everything else, every rank
computes for itself from the same numbers, so that all take the same decisions without asking each other. One rank, the leader,
writes files and prints. A process that no launcher has started is the only rank.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from r1lite.parallel.process import Identity


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """The ranks, as one of them sees them."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0  # among the ranks of this machine
    local_size: int = 1
    shard: int = 1  # ranks that hold one copy of the weights together
    offload: bool = False  # keep the parts of weights and their optimiser states in the CPU's memory
    store: Any = None  # torch's key-value store, which all ranks see: the part of it for this attempt
    shared: Any = None  # the whole of it
    groups: dict[str, Any] = field(default_factory=dict)  # gloo process groups, by channel


MAIN, SAMPLING, CHECKPOINT = CHANNELS = "main", "sampling", "checkpoint"  # what two threads exchange must not get mixed up

_joined = World()
_alone: ContextVar[bool] = ContextVar("alone", default=False)
_channel: ContextVar[str] = ContextVar("channel", default=MAIN)


def become(joined: World) -> None:
    """Take a place among the ranks."""
    global _joined
    _joined = joined


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


def identity_of(number: int) -> Identity:
    return Identity(*json.loads(_joined.store.get(f"who/{number}")))


def place_of(number: int) -> str:
    """How messages name a rank: its number and its machine."""
    return f"rank {number} on {identity_of(number).host}"


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


def kept(name: str, value: str) -> str:
    """The value that was given first under this name, by whichever attempt: a launcher's store outlives the ranks that it restarts."""
    return value if _joined.shared is None else _joined.shared.compare_set(f"r1lite/{name}", "", value).decode()
