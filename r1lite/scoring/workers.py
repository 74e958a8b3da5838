"""Processes that answer calls and can be killed: what hangs, or eats memory, costs its own deadline and nothing else.

A worker is a fresh interpreter in a process group of its own, so that whatever it started ends with it. Its memory is
capped where the system can (Linux): past the cap an allocation fails inside the worker, as a MemoryError.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any, TypeVar

STARTUP_SECONDS = 120  # a worker that has not begun by then never will
CAN_CAP_MEMORY = sys.platform == "linux"
ITEM, END, RAISED = "item", "end", "raised"

T = TypeVar("T")


class WorkerEnded(RuntimeError):
    """A worker died under a call."""


class Stopped(BaseException):
    """Nobody waits for an answer any more."""


class Workers:
    """`count` processes, and a thread for each that waits for its answers."""

    def __init__(self, count: int, *, prepare: Callable[[], None], memory_mb: int) -> None:
        self._workers = [Worker(prepare, memory_mb) for _ in range(count)]
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        for worker in self._workers:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="scoring")

    def submit(self, work: Callable[[Worker], T]) -> Future[T]:
        """`work` has a worker for itself, as soon as one is free."""
        return self._threads.submit(self._with_worker, work)

    def _with_worker(self, work: Callable[[Worker], T]) -> T:
        worker = self._idle.get()
        try:
            return work(worker)
        finally:
            self._idle.put(worker)

    def stop(self) -> None:
        """Nothing more is answered; what is under way is killed."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers:
            worker.stopped = True
            worker.kill()  # a thread that waits for it sees the end, and is done
        self._threads.shutdown(wait=True)
        for worker in self._workers:
            worker.close()


class Worker:
    """One process, replaced by a fresh one where it ran out of time or died."""

    def __init__(self, prepare: Callable[[], None], memory_mb: int) -> None:
        self._begin_with = (prepare, memory_mb)
        self.stopped = False
        self._start()

    def stream(self, call: Callable[[], Iterable[T]], *, seconds: float | Callable[[], float]) -> Iterator[T]:
        """What the call yields, each item within its deadline; else TimeoutError or WorkerEnded, and a fresh worker."""
        allowed = seconds if callable(seconds) else lambda: seconds
        if self.stopped:
            raise Stopped
        try:
            if self._fresh:
                self._receive(STARTUP_SECONDS)
            self._fresh = False
            self._send(call)
            while (told := self._receive(allowed()))[0] == ITEM:
                yield told[1]
        except (TimeoutError, WorkerEnded, GeneratorExit):  # GeneratorExit: nobody wants the rest
            self.close()
            self._start()
            raise
        if told[0] == RAISED:
            raise told[1]

    def kill(self) -> None:
        with suppress(ProcessLookupError, PermissionError, AttributeError):  # gone already, or no process groups here
            os.killpg(self._process.pid, signal.SIGKILL)  # pyright: ignore
        self._process.kill()

    def close(self) -> None:
        """By whoever waits for it, and nobody else."""
        self.kill()
        self._process.join()
        self._pipe.close()

    def _start(self) -> None:
        # A fork of a process that has started torch's threads may deadlock; a fresh interpreter cannot.
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, *self._begin_with), daemon=True)
        self._process.start()
        theirs.close()  # theirs alone, so that its end is seen here
        self._fresh = True

    def _send(self, call: Callable[[], Any]) -> None:
        try:
            self._pipe.send(call)
        except OSError as error:
            raise self._ended() from error

    def _receive(self, seconds: float) -> Any:
        try:
            if self._pipe.poll(seconds):
                return self._pipe.recv()
        except (EOFError, OSError) as error:
            raise self._ended() from error
        raise TimeoutError(f"no answer within {seconds:g} s")

    def _ended(self) -> WorkerEnded:
        self._process.join(1)
        return WorkerEnded(_how_it_ended(self._process.exitcode))


def _how_it_ended(code: int | None) -> str:
    if code is None or code >= 0:
        return f"the worker ended with exit code {code}"
    return f"the worker was ended by {signal.Signals(-code).name}"


def _serve(pipe: Connection, prepare: Callable[[], None], memory_mb: int) -> None:
    """The worker's side: answer until the other side is gone."""
    if hasattr(os, "setsid"):
        os.setsid()  # a group of its own; and Ctrl-C is the trainer's to handle
    _end_with_the_trainer()
    prepare()
    if CAN_CAP_MEMORY:
        _cap_memory(memory_mb)
    pipe.send("ready")
    with suppress(EOFError, OSError):
        while True:
            _answer(pipe, pipe.recv())


def _answer(pipe: Connection, call: Callable[[], Iterable[Any]]) -> None:
    try:
        for item in call():
            pipe.send((ITEM, item))
    except OSError:
        raise
    except Exception as error:  # the caller's to deal with
        try:
            pipe.send((RAISED, error))
        except (pickle.PicklingError, AttributeError, TypeError):
            pipe.send((RAISED, RuntimeError(f"{type(error).__name__}: {error}")))
    else:
        pipe.send((END, None))


def _cap_memory(memory_mb: int) -> None:
    """On top of what the worker has mapped by now. The soft limit only: a child may have a smaller one of its own."""
    import resource

    with open("/proc/self/statm") as file:
        mapped = int(file.read().split()[0]) * resource.getpagesize()
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    wanted = mapped + memory_mb * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _end_with_the_trainer() -> None:
    """A trainer that is killed outright takes its workers along, also those that hang."""
    if sys.platform != "linux":
        return
    import ctypes

    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
