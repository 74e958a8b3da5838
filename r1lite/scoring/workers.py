"""Processes that answer calls and can be killed: what hangs, or eats memory, costs its own deadline and nothing else.

A worker is a fresh interpreter in a process group of its own, so that whatever it started ends with it. It has the sys.path
of this process and nothing else of it: a user's script is not run again in a worker, and needs no `if __name__ == "__main__"`.
Its memory is capped where the system can (Linux): past the cap an allocation fails inside the worker, as a MemoryError.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

from r1lite.scoring.serve import ITEM, RAISED

STARTUP_SECONDS = 120  # a worker that has not begun by then never will
PROGRAM = "import sys; sys.path[:] = {path!r}; from r1lite.scoring.serve import serve; serve({pipe})"

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
        self._end()

    def close(self) -> None:
        """By whoever waits for it, and nobody else."""
        self.kill()
        self._process.wait()
        self._pipe.close()

    def _start(self) -> None:
        # A fork of a process that has started torch's threads may deadlock; a fresh interpreter cannot. That of multiprocessing
        # (spawn) would run the user's script again. The new session is the process group; and Ctrl-C is the trainer's to handle.
        self._pipe, theirs = multiprocessing.Pipe()
        program = PROGRAM.format(path=sys.path, pipe=theirs.fileno())
        self._process = subprocess.Popen(
            [sys.executable, "-c", program], pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True
        )
        self._end = weakref.finalize(self, _kill, self._process)  # at the latest when this process ends
        theirs.close()  # theirs alone, so that its end is seen here
        with suppress(OSError):  # it has died already, which is seen when its first answer does not come
            self._pipe.send(self._begin_with)
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
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        return WorkerEnded(_how_it_ended(self._process.returncode))


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):  # gone already
        os.killpg(process.pid, signal.SIGKILL)


def _how_it_ended(code: int | None) -> str:
    if code is None or code >= 0:
        return f"the worker ended with exit code {code}"
    return f"the worker was ended by {signal.Signals(-code).name}"
