"""How long a server had nothing to do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Idle:
    """Counts the requests in progress, and the time without any."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock, self.lock, self.running = clock, threading.Lock(), 0
        self.since = self.begun = clock()  # when the last request ended; when the counting began
        self.seconds = 0.0

    @contextmanager
    def busy(self) -> Iterator[None]:
        with self.lock:
            if not self.running:
                self.seconds += self.clock() - self.since
            self.running += 1
        try:
            yield
        finally:
            with self.lock:
                self.running -= 1
                self.since = self.clock()

    def share(self) -> float:
        """The share of the time since the last call, or the start, in which no request was in progress."""
        with self.lock:
            now = self.clock()
            idle = self.seconds + (0.0 if self.running else now - self.since)
            share = idle / (now - self.begun) if now > self.begun else 0.0
            self.begun = self.since = now
            self.seconds = 0.0
            return share
