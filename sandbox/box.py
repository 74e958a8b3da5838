"""The sandbox as its user sees it: a few jails, and the loop that keeps them busy."""

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

TRIES = 3


class Sandbox:
    """Runs programs, `workers` at a time. Use it in a `with` block, in the process that made it.

    fresh_network: a new network namespace for every program, and not one for every jail, which holds one at a time and
    lets none of them make a socket with a name. It costs a fifth to a third of the speed.
    """

    def __init__(
        self, *, workers: int = 2, tier: Tier = "full", unsafe: bool = False, fresh_network: bool = False, tested: bool = True
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
            if tested and self.tier != "unsafe":
                check(self)
        except BaseException:
            self.close()
            raise

    @property
    def facts(self) -> dict[str, Any]:
        """What the first jail said of its kernel when it started."""
        return self._workers[0].facts

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        for worker in self._workers:
            worker.stop()

    def run(self, programs: Iterable[Program]) -> list[Result]:
        """A result for every program, in the order asked."""
        results = dict(self.stream(programs))
        return [results[index] for index in range(len(results))]

    def stream(self, programs: Iterable[Program]) -> Generator[tuple[int, Result], None, None]:
        """(place in the order asked, result) as each program ends."""
        if os.getpid() != self._owner:
            raise SandboxError("this Sandbox was made in another process; make one in each process that runs programs")
        with self._lock:
            try:
                yield from self._stream(iter(enumerate(programs)))
            finally:
                # Left early: what still runs is ended with its jail.
                for worker in self._workers:
                    if worker.task:
                        worker.stop()

    def _stream(self, waiting: Iterator[tuple[int, Program]]) -> Iterator[tuple[int, Result]]:
        again: list[Task] = []
        idle = list(self._workers)
        while True:
            while idle and (task := again.pop() if again else _next(waiting)):
                worker = idle.pop()
                try:
                    worker.give(task)
                except JailFailed as failure:
                    idle.append(self._failed(worker, task, failure, again))
            if len(idle) == len(self._workers):
                return
            for worker in _ready([worker for worker in self._workers if worker.task]):
                task = worker.task
                assert task is not None
                try:
                    result = worker.take()
                except JailFailed as failure:
                    self._failed(worker, task, failure, again)
                else:
                    yield task.place, result
                idle.append(worker)

    def _failed(self, worker: Worker, task: Task, failure: JailFailed, again: list[Task]) -> Worker:
        """A jail that broke says nothing about the program that was in it: that one gets another try elsewhere."""
        worker.stop()
        if task.tries + 1 >= TRIES:
            raise SandboxError(f"program {task.place} could not be run: {failure}") from failure
        again.append(task._replace(tries=task.tries + 1))
        return worker


def _start(workers: list[Worker]) -> None:
    """All at once, since each takes a moment."""
    try:
        for worker in workers:
            worker.launch()
        for worker in workers:
            worker.greet()
    except SandboxError as error:
        if workers[0].tier != "full" or jail.bubblewrap() is None:
            raise
        raise SandboxError(f"the full tier does not start here: {error}\nWhat to do: " + "\n  or: ".join(remedies())) from error


def _next(waiting: Iterator[tuple[int, Program]]) -> Task | None:
    place, program = next(waiting, (0, None))
    return Task(place, program, 0) if program else None


def _ready(busy: list[Worker]) -> list[Worker]:
    """Those whose verdict is there, or that are too late for one."""
    poll = select.poll()
    for worker in busy:
        poll.register(worker, select.POLLIN)
    left = min(worker.deadline for worker in busy) - time.monotonic()
    told = {descriptor for descriptor, _ in poll.poll(max(0.0, left) * 1000 + 1)}
    now = time.monotonic()
    return [worker for worker in busy if worker.fileno() in told or worker.deadline < now]


def _announce(tier: Tier, *, unsafe: bool) -> None:
    if unsafe:
        warnings.warn("sandbox: unsafe=True. Programs run as you, with your files and your network; only limits hold.", stacklevel=3)
    elif tier == "reduced":
        warnings.warn("sandbox: the reduced tier has no namespaces; python -m sandbox --doctor says what holds.", stacklevel=3)
    elif tier != "full":
        raise ValueError(f"tier is full or reduced, got {tier!r} (unsafe=True is said by that name)")
    if sys.platform != "linux" or platform.machine() not in MACHINES:
        raise SandboxError(f"the sandbox runs on Linux on {' or '.join(MACHINES)}, this is {sys.platform} on {platform.machine()}")
