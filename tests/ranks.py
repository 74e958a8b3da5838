"""Functions run by several ranks: processes of one thread each, which meet over loopback."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from commands import PRELOADED

from r1lite.parallel import guard, meeting, world
from r1lite.parallel.launch import store

SECONDS = 120.0


def run(function: Callable[..., Any], count: int, *arguments: Any, folder: Path, shard: int = 1) -> list[Any]:
    """What the function gives on each rank: tensors, numbers, and containers of them. The function must be importable."""
    with started(_in_rank, [(function, arguments, folder, shard)] * count, folder) as ranks:
        for rank in ranks:
            rank.join(SECONDS)
        codes = [rank.exitcode for rank in ranks]
    assert codes == [0] * count, f"the ranks ended with {codes}:\n" + "".join(logs(folder))
    return [torch.load(folder / f"rank-{number}.pt", weights_only=True) for number in range(count)]


@contextmanager
def started(
    function: Callable[..., None], arguments: Sequence[Sequence[Any]], folder: Path, environment: Mapping[str, str] | None = None
) -> Iterator[list[Any]]:
    """A process for each rank's arguments, which are killed in the end. The environment is that of our launcher but for what is given."""
    context: Any = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    count = len(arguments)
    with store() as port:
        ranks = [
            context.Process(target=_begin, args=(function, own, number, count, port, folder, environment or {}))
            for number, own in enumerate(arguments)
        ]
        for rank in ranks:
            rank.start()
        try:
            yield ranks
        finally:
            for rank in ranks:
                rank.kill()
                rank.join()


def logs(folder: Path) -> list[str]:
    """What each rank has printed."""
    return [path.read_text() for path in sorted(folder.glob("rank-*.log"))]


def _begin(
    function: Callable[..., None],
    arguments: Sequence[Any],
    number: int,
    count: int,
    port: int,
    folder: Path,
    environment: Mapping[str, str],
) -> None:
    log = os.open(folder / f"rank-{number}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    # The streams of the server that this was forked from are bound to its own terminal.
    sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1, closefd=False) for number in (1, 2))
    ranks = {"RANK": number, "WORLD_SIZE": count, "LOCAL_RANK": number, "LOCAL_WORLD_SIZE": count}
    where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "TORCHELASTIC_USE_AGENT_STORE": True, "GLOO_SOCKET_IFNAME": "lo"}
    os.environ |= {name: str(value) for name, value in (ranks | where | environment).items()}
    torch.set_num_threads(1)
    function(*arguments)


def _in_rank(function: Callable[..., Any], arguments: tuple[Any, ...], folder: Path, shard: int) -> None:
    meeting.join(SECONDS, shard=shard)
    number = world.rank()
    with guard.guarded():
        torch.save(function(*arguments), folder / f"rank-{number}.pt")
    meeting.leave()
