"""Inside a scoring worker: run calls until the trainer closes its end of the pipe."""

from __future__ import annotations

import pickle
import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

CAN_CAP_MEMORY = sys.platform == "linux"
ITEM, END, RAISED = "item", "end", "raised"


def serve(descriptor: int) -> None:
    """Prepare, report that the worker is ready, run calls."""
    _end_with_the_trainer()
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


def _end_with_the_trainer() -> None:
    """End with the trainer, even if it is killed while this worker hangs."""
    if sys.platform != "linux":
        return
    import ctypes

    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
