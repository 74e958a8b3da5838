"""How the ranks of a run find each other: by the environment that torchrun, another launcher, or a user by hand sets."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from r1lite.parallel import world
from r1lite.parallel.network import interface_towards, wait_for_port
from r1lite.parallel.process import own_identity
from r1lite.parallel.world import World

POLL_SECONDS = 0.1  # between two looks whether all ranks have come
NOTICE_SECONDS = 30.0  # after which the leader says whom it waits for
SLACK_SECONDS = 60.0  # that torch waits longer than the guard, which names the rank that others wait for


def is_one_of_several() -> bool:
    """Whether a launcher has started this process as one of several ranks."""
    count = os.environ.get("WORLD_SIZE", "1")
    if not count.isdigit() or not int(count):
        raise ValueError(f"WORLD_SIZE must be a number above 0, got {count!r}")
    return int(count) > 1


def launcher_keeps_store() -> bool:
    """Whether the store where the ranks meet is the launcher's, and not the leader's."""
    return os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"


def connect(timeout: float) -> None:
    """Find the store where the ranks meet; does nothing in a process that is the only rank. ValueError if that fails."""
    if not is_one_of_several() or world.size() > 1:
        return
    from torch.distributed import PrefixStore

    number, count, host, port = _from_environment()
    shared = _store(number, host, port, timeout)
    # Each attempt of a launcher that starts failed ranks again has names of its own.
    store = PrefixStore(f"r1lite/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", shared)
    mine = json.dumps(own_identity())
    if store.compare_set(f"who/{number}", "", mine).decode() != mine:
        raise ValueError(f"another process is rank {number} already at {host}, port {port}: give each run a MASTER_PORT of its own")
    local_rank, local_size = int(os.environ.get("LOCAL_RANK", number)), int(os.environ.get("LOCAL_WORLD_SIZE", count))
    world.become(World(rank=number, size=count, local_rank=local_rank, local_size=local_size, store=store, shared=shared))


def join(timeout: float, *, shard: int = 1, offload: bool = False) -> None:
    """Meet the other ranks; does nothing in a process that is the only one. Those that have not come after `timeout` are named."""
    connect(timeout)
    if world.size() == 1 and shard > 1:
        raise ValueError(f"parallel.shard={shard} needs as many ranks: start them with processes={shard}, or with torchrun")
    if world.size() % shard:
        raise ValueError(f"parallel.shard={shard} must divide the number of ranks, which is {world.size()}")
    if world.size() == 1:
        return
    import torch
    import torch.distributed as dist

    _wait_for_all(timeout)
    if world.local_size() < world.size() and (name := interface_towards(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))):
        os.environ.setdefault("GLOO_SOCKET_IFNAME", name)
    limit = timedelta(seconds=timeout + SLACK_SECONDS)
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    store = dist.PrefixStore("torch", world.store())
    dist.init_process_group(backend, store=store, rank=world.rank(), world_size=world.size(), timeout=limit)
    groups = {channel: dist.new_group(backend="gloo", timeout=limit) for channel in world.CHANNELS}
    world.become(replace(world.world(), shard=shard, offload=offload, groups=groups))


_before_leaving: list[Callable[[], None]] = []


def at_leave(function: Callable[[], None]) -> None:
    """Call the function before this rank parts from the others, if there are others."""
    if function not in _before_leaving:
        _before_leaving.append(function)


def leave() -> None:
    """Part from the other ranks."""
    if world.size() == 1:
        return
    import torch.distributed as dist

    while _before_leaving:
        _before_leaving.pop()()
    world.become(World())
    dist.destroy_process_group()


def all_have_come() -> bool:
    return world.store().check([f"who/{number}" for number in range(world.size())])


def _wait_for_all(timeout: float) -> None:
    started, told = time.monotonic(), False
    where = f"at {os.environ['MASTER_ADDR']}, port {os.environ['MASTER_PORT']}"
    while not all_have_come():
        waited = time.monotonic() - started
        if waited > timeout:
            raise ValueError(
                f"{_absent()} did not come within {timeout:g} s (parallel.timeout). Start all ranks with the same command, "
                f"to meet {where}; RANK and WORLD_SIZE say which they are"
            )
        if waited > NOTICE_SECONDS and not told and world.is_leader():
            told = True
            print(f"waiting {where} for {_absent()}", file=sys.stderr, flush=True)
        time.sleep(POLL_SECONDS)


def _absent() -> str:
    """The ranks that have not come."""
    absent = [number for number in range(world.size()) if not world.store().check([f"who/{number}"])]
    some = ", ".join(map(str, absent[:8])) + (", ..." if len(absent) > 8 else "")
    return f"{'rank' if len(absent) == 1 else 'ranks'} {some} of {world.size()}"


def _from_environment() -> tuple[int, int, str, int]:
    """The rank, the number of ranks, and where they meet."""
    lacking = [name for name in ("RANK", "MASTER_ADDR", "MASTER_PORT") if not os.environ.get(name)]
    if lacking:
        raise ValueError(f"WORLD_SIZE is set, and {', '.join(lacking)} is not: start ranks with torchrun or processes=N, or set all four")
    count, host = int(os.environ["WORLD_SIZE"]), os.environ["MASTER_ADDR"]
    for name, below in (("RANK", count), ("MASTER_PORT", 2**16)):
        value = os.environ[name]
        if not value.isdigit() or int(value) >= below:
            raise ValueError(f"{name} must be a number from 0 to {below - 1}, got {value!r}")
    return int(os.environ["RANK"]), count, host, int(os.environ["MASTER_PORT"])


def _store(number: int, host: str, port: int, timeout: float) -> Any:
    """The launcher's store if it has one, as torchrun's does; else the leader's."""
    import torch.distributed as dist

    keeps = number == 0 and not launcher_keeps_store()
    try:
        if not keeps:
            wait_for_port(host, port, timeout)
        return dist.TCPStore(host, port, None, is_master=keeps, wait_for_workers=False, timeout=timedelta(seconds=timeout))
    except dist.DistNetworkError as error:
        if "EADDRINUSE" in str(error):
            raise ValueError(f"port {port} is in use on this machine: set MASTER_PORT to a free one, for all ranks") from error
        raise ValueError(f"rank {number} cannot meet the others at {host}, port {port}: {str(error).splitlines()[0]}") from error
    except OSError as error:
        raise ValueError(
            f"rank {number} does not reach {host}, port {port} (MASTER_ADDR, MASTER_PORT), within {timeout:g} s: {error}. Rank 0 must run "
            "there, and its port be open to this machine"
        ) from error
