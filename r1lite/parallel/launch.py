"""Starts the ranks of a run on this machine, and ends with them. `torchrun` does the same, and on several machines."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

AUTO = "auto"
GRACE_SECONDS = 15.0  # between the end of one rank and that of all
POLL_SECONDS = 0.1


def count_of(processes: str) -> int:
    """How many ranks `processes` asks for. ValueError if it is no number."""
    if processes == AUTO:
        import torch

        return max(1, torch.cuda.device_count())
    if not processes.isdigit() or not int(processes):
        raise ValueError(f"processes must be a number above 0, or auto (one for each GPU), got {processes!r}")
    return int(processes)


def launch(count: int, command: Sequence[str]) -> int:
    """Run the command as `count` ranks until all have ended, and return 0 if all did well."""
    with store() as port:
        ranks = [subprocess.Popen(command, env=_environment(number, count, port)) for number in range(count)]
        with _forwarded(ranks):
            return _wait(ranks)


def _environment(number: int, count: int, port: int) -> dict[str, str]:
    threads = str(max(1, (os.cpu_count() or 1) // count))
    defaults = {"OMP_NUM_THREADS": threads, "GLOO_SOCKET_IFNAME": "lo"}
    ranks = {"RANK": number, "LOCAL_RANK": number, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "TORCHELASTIC_USE_AGENT_STORE": "True"}
    return {**defaults, **os.environ, **{name: str(value) for name, value in ranks.items()}, **meeting}


@contextmanager
def store() -> Iterator[int]:
    """The store where the ranks meet, which outlives any of them. It listens on this machine alone."""
    from torch.distributed import TCPStore

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        store = TCPStore("127.0.0.1", port, is_master=True, wait_for_workers=False, master_listen_fd=listening.detach())
        yield port
        del store


def _wait(ranks: Sequence[subprocess.Popen[bytes]]) -> int:
    """Wait for all ranks. Once one has failed, the others end by themselves; those that have not after a while are ended."""
    deadline = None
    while any(rank.poll() is None for rank in ranks):
        if deadline is None and any(rank.returncode for rank in ranks):
            deadline = time.monotonic() + GRACE_SECONDS
        if deadline is not None and time.monotonic() > deadline:
            for rank in ranks:
                rank.kill()
        time.sleep(POLL_SECONDS)
    return 1 if any(rank.returncode for rank in ranks) else 0


@contextmanager
def _forwarded(ranks: Sequence[subprocess.Popen[bytes]]) -> Iterator[None]:
    """Pass signals on to the ranks. Ctrl-C reaches them from the terminal as well."""

    def forward(number: int, _: object) -> None:
        for rank in ranks:
            rank.send_signal(number)

    before = {number: signal.signal(number, forward) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for rank in ranks:
            rank.kill()


def own_command(arguments: Sequence[str]) -> list[str]:
    """This program again, with these arguments."""
    return [sys.executable, "-m", "r1lite.train", *arguments]
