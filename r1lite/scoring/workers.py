"""Worker processes that can be killed: a call that hangs or runs out of memory affects no other call.

A worker is a fresh interpreter in its own process group, so that its child processes end with it. Only sys.path is passed on:
a user's script does not run again in a worker, so it needs no `if __name__ == "__main__"`. On Linux the worker's memory is
capped: past the cap an allocation fails inside the worker, with a MemoryError.

A call that misses its deadline raises TimeoutError here; scorer.py turns that into a verdict with the outcome `timed_out`.
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

STARTUP_SECONDS = 120
PROGRAM = "import sys; sys.path[:] = {path!r}; from r1lite.scoring.serve import serve; serve({pipe}, {trainer})"

T = TypeVar("T")


class WorkerEnded(RuntimeError):
    """A worker died during a call."""


class Stopped(BaseException):
    """The workers were stopped; nobody waits for results any more."""


class Workers:
    """`count` processes, and a thread for each that waits for its results."""

    def __init__(self, count: int, *, prepare: Callable[[], None], memory_mb: int) -> None:
        self._workers = [Worker(prepare, memory_mb) for _ in range(count)]
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        for worker in self._workers:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="scoring")

    def submit(self, work: Callable[[Worker], T]) -> Future[T]:
        """Run `work` with a worker of its own, as soon as one is free."""
        return self._threads.submit(self._with_worker, work)

    def _with_worker(self, work: Callable[[Worker], T]) -> T:
        worker = self._idle.get()
        try:
            return work(worker)
        finally:
            self._idle.put(worker)

    def stop(self) -> None:
        """Kill running calls and cancel waiting ones."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers:
            worker.stopped = True
            worker.kill()  # ends the thread that waits for it
        self._threads.shutdown(wait=True)
        for worker in self._workers:
            worker.close()


class Worker:
    """One process, replaced by a fresh one after a timeout or a crash."""

    def __init__(self, prepare: Callable[[], None], memory_mb: int) -> None:
        self._setup = (prepare, memory_mb)
        self.stopped = False
        self._start()

    def stream(self, call: Callable[[], Iterable[T]], *, seconds: float | Callable[[], float]) -> Iterator[T]:
        """What the call yields, each item within its deadline; else TimeoutError or WorkerEnded, and a fresh process."""
        allowed = seconds if callable(seconds) else lambda: seconds
        if self.stopped:
            raise Stopped
        try:
            if self._fresh:
                self._receive(STARTUP_SECONDS)
            self._fresh = False
            self._send(call)
            while (message := self._receive(allowed()))[0] == ITEM:
                yield message[1]
        except (TimeoutError, WorkerEnded, GeneratorExit):  # GeneratorExit: the caller stopped iterating
            self.close()
            self._start()
            raise
        if message[0] == RAISED:
            raise message[1]

    def kill(self) -> None:
        self._end()

    def close(self) -> None:
        """Only for the thread that waits for the worker, or when no thread does."""
        self.kill()
        self._process.wait()
        self._pipe.close()

    def _start(self) -> None:
        # Forking a process with torch's threads may deadlock, and multiprocessing's spawn runs the user's script again.
        # A new session is a process group of its own, and keeps Ctrl-C away from the worker.
        self._pipe, other_end = multiprocessing.Pipe()
        program = PROGRAM.format(path=sys.path, pipe=other_end.fileno(), trainer=os.getpid())
        self._process = subprocess.Popen(
            [sys.executable, "-c", program], pass_fds=[other_end.fileno()], stdin=subprocess.DEVNULL, start_new_session=True
        )
        self._end = weakref.finalize(self, _kill, self._process)  # runs at the latest when this process ends
        other_end.close()  # so that receiving fails when the worker ends
        with suppress(OSError):  # the worker died already; receiving its first message reports that
            self._pipe.send(self._setup)
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
        raise TimeoutError(f"no result within {seconds:g} s")

    def _ended(self) -> WorkerEnded:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        return WorkerEnded(_exit_reason(self._process.returncode))


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):  # it has ended
        os.killpg(process.pid, signal.SIGKILL)


def _exit_reason(code: int | None) -> str:
    if code is None or code >= 0:
        return f"the worker ended with exit code {code}"
    return f"the worker was ended by {signal.Signals(-code).name}"
