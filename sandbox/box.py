"""The sandbox's interface: a few jails, and the loop that keeps them busy."""

from __future__ import annotations

import os
import platform
import select
import sys
import threading
import time
import warnings
from collections.abc import Generator, Iterable, Iterator
from types import TracebackType
from typing import Any, Self

from . import jail
from .inside.syscalls import MACHINES
from .remedy import remedies
from .selftest import check
from .types import Program, Result, SandboxError, Tier
from .worker import JailFailed, Task, Worker

TRIES = 3  # for each program, if its jail fails


class Sandbox:
    """Runs programs, `workers` at a time. Use it in a `with` block, in the process that created it.

    fresh_network: a new network namespace for every program, instead of one for every jail. A jail runs one program at a time,
    and none can create a named socket. A new namespace costs a fifth to a third of the speed.
    self_test: before the first program, run test programs that try to break out, and refuse to start if one succeeds.
    """

    def __init__(
        self, *, workers: int = 2, tier: Tier = "full", unsafe: bool = False, fresh_network: bool = False, self_test: bool = True
    ) -> None:
        if workers < 1:
            raise ValueError(f"a Sandbox needs at least 1 worker, got {workers}")
        self.tier: Tier = "unsafe" if unsafe else tier
        _announce(self.tier, unsafe=unsafe)
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._workers = [Worker(self.tier, fresh_network=fresh_network) for _ in range(workers)]
        try:
            _start(self._workers)
            if self_test and self.tier != "unsafe":
                check(self)
        except BaseException:
            self.close()
            raise

    @property
    def facts(self) -> dict[str, Any]:
        """What the first jail reported about its kernel when it started."""
        return self._workers[0].facts

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        for worker in self._workers:
            worker.stop()

    def run(self, programs: Iterable[Program]) -> list[Result]:
        """A result for every program, in the order of the programs."""
        results = dict(self.stream(programs))
        return [results[index] for index in range(len(results))]

    def stream(self, programs: Iterable[Program]) -> Generator[tuple[int, Result], None, None]:
        """(index of the program, result) as each program ends."""
        if os.getpid() != self._owner:
            raise SandboxError("this Sandbox was created in another process; create one in each process that runs programs")
        with self._lock:
            try:
                yield from self._stream(iter(enumerate(programs)))
            finally:
                # If the caller stopped early, programs that still run are ended together with their jails.
                for worker in self._workers:
                    if worker.task:
                        worker.stop()

    def _stream(self, waiting: Iterator[tuple[int, Program]]) -> Iterator[tuple[int, Result]]:
        retries: list[Task] = []
        idle = list(self._workers)
        while True:
            while idle and (task := retries.pop() if retries else _next(waiting)):
                worker = idle.pop()
                try:
                    worker.give(task)
                except JailFailed as failure:
                    idle.append(self._failed(worker, task, failure, retries))
            if len(idle) == len(self._workers):
                return
            for worker in _ready([worker for worker in self._workers if worker.task]):
                task = worker.task
                assert task is not None
                try:
                    result = worker.take()
                except JailFailed as failure:
                    self._failed(worker, task, failure, retries)
                else:
                    yield task.number, result
                idle.append(worker)

    def _failed(self, worker: Worker, task: Task, failure: JailFailed, retries: list[Task]) -> Worker:
        """A failure of the jail says nothing about its program, which is tried again in another jail."""
        worker.stop()
        if task.tries + 1 >= TRIES:
            raise SandboxError(f"program {task.number} could not be run: {failure}") from failure
        retries.append(task._replace(tries=task.tries + 1))
        return worker


def _start(workers: list[Worker]) -> None:
    """Start all jails together, because each takes a moment."""
    try:
        for worker in workers:
            worker.launch()
        for worker in workers:
            worker.wait_until_ready()
    except SandboxError as error:
        if workers[0].tier != "full" or jail.bubblewrap() is None:
            raise
        raise SandboxError(f"the full tier does not start here: {error}\nWhat to do: " + "\n  or: ".join(remedies())) from error


def _next(waiting: Iterator[tuple[int, Program]]) -> Task | None:
    index, program = next(waiting, (0, None))
    return Task(index, program, 0) if program else None


def _ready(busy: list[Worker]) -> list[Worker]:
    """The workers that have a verdict, or are past their deadline."""
    poll = select.poll()
    for worker in busy:
        poll.register(worker, select.POLLIN)
    remaining = min(worker.deadline for worker in busy) - time.monotonic()
    readable = {descriptor for descriptor, _ in poll.poll(max(0.0, remaining) * 1000 + 1)}
    now = time.monotonic()
    return [worker for worker in busy if worker.fileno() in readable or worker.deadline < now]


def _announce(tier: Tier, *, unsafe: bool) -> None:
    if unsafe:
        warnings.warn("sandbox: unsafe=True. Programs run as your user, with your files and network; there are only limits.", stacklevel=3)
    elif tier == "reduced":
        warnings.warn("sandbox: the reduced tier has no namespaces; python -m sandbox --doctor shows which protections work.", stacklevel=3)
    elif tier != "full":
        raise ValueError(f"tier must be full or reduced, got {tier!r} (for no protection, set unsafe=True)")
    if sys.platform != "linux" or platform.machine() not in MACHINES:
        raise SandboxError(f"the sandbox needs Linux on {' or '.join(MACHINES)}; this is {sys.platform} on {platform.machine()}")
