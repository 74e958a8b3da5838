"""Functions run by several ranks: processes of one thread each, which meet over loopback."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from commands import PRELOADED

from r1lite.parallel import guard, world
from r1lite.parallel.launch import store

SECONDS = 120.0


def run(function: Callable[..., Any], count: int, *arguments: Any, folder: Path, shard: int = 1) -> list[Any]:
    """What the function gives on each rank: tensors, numbers, and containers of them. The function must be importable."""
    context: Any = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with store() as port:
        ranks = [
            context.Process(target=_in_rank, args=(function, arguments, number, count, port, folder, shard)) for number in range(count)
        ]
        for rank in ranks:
            rank.start()
        for rank in ranks:
            rank.join(SECONDS)
        codes = [rank.exitcode for rank in ranks]
        for rank in ranks:
            rank.kill()
    assert codes == [0] * count, f"the ranks ended with {codes}:\n" + "".join(p.read_text() for p in sorted(folder.glob("rank-*.log")))
    return [torch.load(folder / f"rank-{number}.pt", weights_only=True) for number in range(count)]


def _in_rank(
    function: Callable[..., Any], arguments: tuple[Any, ...], number: int, count: int, port: int, folder: Path, shard: int
) -> None:
    log = os.open(folder / f"rank-{number}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    ranks = {"RANK": number, "WORLD_SIZE": count, "LOCAL_RANK": number, "LOCAL_WORLD_SIZE": count}
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "TORCHELASTIC_USE_AGENT_STORE": True, "GLOO_SOCKET_IFNAME": "lo"}
    os.environ |= {name: str(value) for name, value in (ranks | meeting).items()}
    torch.set_num_threads(1)
    world.join(SECONDS, shard=shard)
    with guard.guarded():
        torch.save(function(*arguments), folder / f"rank-{number}.pt")
    world.leave()
