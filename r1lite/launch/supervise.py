"""Runs the processes of a layout together: they start in order, are watched, and end together."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from r1lite.launch.keep import LEAVE_SECONDS, POLL_SECONDS, Backend, Servers
from r1lite.launch.logs import Logs, say
from r1lite.launch.process import Running
from r1lite.parallel.failure import INTERRUPTED_CODE, STOPPED_CODE


class Interrupted(Exception):
    """A signal came while there was no trainer to pass it to."""


class Supervisor:
    def __init__(self, backend: Backend, logs: Logs, *, start_seconds: float) -> None:
        self.backend, self.logs = backend, logs
        self.servers = Servers(backend, logs, start_seconds)
        self.trainer: list[Running] = []
        self.signals: list[int] = []

    def run(self, *, with_trainer: bool = True) -> int:
        """Run the layout until the trainer ends, or a signal comes; returns the exit code."""
        with self._signals_kept():
            try:
                self.servers.start(self._stop_if_asked)
                if not with_trainer:
                    say(f"the servers are ready: sampler.urls=[{','.join(self.servers.urls())}]")
                    self._serve()
                self.trainer = self.backend.start_trainer(self.servers.urls())
                return self._watch_trainer()
            except Interrupted:
                return STOPPED_CODE if signal.SIGTERM in self.signals else INTERRUPTED_CODE
            finally:
                for part in self.trainer:
                    part.kill()
                self.servers.end()

    def _stop_if_asked(self) -> None:
        if self.signals:
            raise Interrupted

    def _serve(self) -> None:
        while not self.servers.are_lost():
            self._stop_if_asked()
            self.servers.tend()
            time.sleep(POLL_SECONDS)
        raise ValueError("no server is left")

    def _watch_trainer(self) -> int:
        """Returns the exit code of the trainer, once one of its processes has failed or all have ended."""
        passed_on = 0
        while True:
            endings = [part.ending() for part in self.trainer]
            self._show_trainer()
            failed = [(part, end) for part, end in zip(self.trainer, endings, strict=True) if end and end[0]]
            if failed:
                part, (code, words) = failed[0]
                return self._failed(part, code, words)
            if None not in endings:
                return 0
            for number in self.signals[passed_on:]:
                for part in self.trainer:
                    part.signal(number)
            passed_on = len(self.signals)
            self.servers.tend()
            time.sleep(POLL_SECONDS)

    def _failed(self, culprit: Running, code: int, words: str) -> int:
        """The other ranks say for themselves why they end, which takes them a moment."""
        deadline = time.monotonic() + LEAVE_SECONDS
        while any(part.ending() is None for part in self.trainer) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        self._show_trainer()
        if code not in (STOPPED_CODE, INTERRUPTED_CODE):
            say(f"{culprit.part.name} {words}; its log is {self.logs.file(culprit.part.name)}")
        return code

    def _show_trainer(self) -> None:
        """As it is if it is one process; that of further ones has their names before each line."""
        for part in self.trainer:
            self.logs.show(part, shown=True, prefixed=part is not self.trainer[0])

    @contextmanager
    def _signals_kept(self) -> Iterator[None]:
        """Inside the context, SIGTERM and Ctrl-C are kept for the trainer, which finishes its step, or ends."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def keep(number: int, _: object) -> None:
            self.signals.append(number)

        before = {number: signal.signal(number, keep) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
