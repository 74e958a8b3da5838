"""Inside a scoring worker: run calls until the trainer closes its end of the pipe."""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from r1lite.parallel import process

CAN_CAP_MEMORY = sys.platform == "linux"
ITEM, END, RAISED = "item", "end", "raised"


def serve(descriptor: int, trainer: int) -> None:
    """Prepare, report that the worker is ready, run calls. The worker ends with the trainer, even if that is killed while it hangs."""
    process.signal_at_end_of(trainer, signal.SIGKILL)
    _end_children_too(descriptor)
    pipe = Connection(descriptor)
    with suppress(EOFError, OSError):
        prepare, memory_mb = pipe.recv()
        prepare()
        if CAN_CAP_MEMORY:
            _cap_memory(memory_mb)
        pipe.send("ready")
        while True:
            _run(pipe, pipe.recv())


def _run(pipe: Connection, call: Callable[[], Iterable[Any]]) -> None:
    try:
        for item in call():
            pipe.send((ITEM, item))
    except OSError:
        raise
    except Exception as error:  # raised again on the trainer's side
        try:
            pipe.send((RAISED, error))
        except (pickle.PicklingError, AttributeError, TypeError):
            pipe.send((RAISED, RuntimeError(f"{type(error).__name__}: {error}")))
    else:
        pipe.send((END, None))


def _cap_memory(memory_mb: int) -> None:
    """`memory_mb` beyond what the worker has mapped so far. Only the soft limit, so that child processes can set their own."""
    import resource

    with open("/proc/self/statm") as file:
        mapped = int(file.read().split()[0]) * resource.getpagesize()
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    wanted = mapped + memory_mb * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _end_children_too(pipe: int) -> None:
    """Fork a process that waits for the end of this one, and then ends its group: what a rule has started must not stay behind."""
    if sys.platform != "linux":
        return
    worker = os.getpid()
    if os.fork():
        return
    os.close(pipe)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    process.signal_at_end_of(worker, signal.SIGUSR1)
    signal.sigwait([signal.SIGUSR1])
    os.killpg(0, signal.SIGKILL)
