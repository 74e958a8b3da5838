"""One tracker in a thread of its own, behind a queue of bounded length."""

from __future__ import annotations

import time
from collections.abc import Callable
from queue import Empty, Full, Queue
from threading import Thread
from typing import Any

WAITING = 500  # calls: a tracker that is further behind is given up
CLOSING_SECONDS = 30.0  # that the end of a run waits for a tracker


class Background:
    """Opens, calls and closes the tracker in the thread. `error` says why it is not used any more; empty while it is."""

    def __init__(self, name: str, opens: Callable[[], Any]) -> None:
        self.error = ""
        self.calls: Queue[tuple[str, tuple[Any, ...]] | None] = Queue(maxsize=WAITING)
        self.closing_at = 0.0
        # A daemon: a library that hangs must not keep the process alive.
        self.thread = Thread(target=self._work, args=(opens,), name=f"tracker {name}", daemon=True)
        self.thread.start()

    def call(self, method: str, *arguments: Any) -> None:
        """Have a method called after those before it. Returns at once; a tracker without that method ignores it."""
        self._put((method, arguments))

    def finish(self) -> None:
        """Have it closed after everything before."""
        self.closing_at = time.monotonic() + CLOSING_SECONDS
        self._put(None)

    def wait(self) -> None:
        """Wait until it is closed, but not for ever."""
        self.thread.join(max(0.0, self.closing_at - time.monotonic()))
        if self.thread.is_alive() and not self.error:
            self.error = f"it was still busy {CLOSING_SECONDS:g} s after the run's end"

    def _put(self, call: tuple[str, tuple[Any, ...]] | None) -> None:
        if self.error:
            return
        try:
            self.calls.put_nowait(call)
        except Full:
            self.error = f"it did not keep up: {WAITING} calls were waiting"

    def _work(self, opens: Callable[[], Any]) -> None:
        try:
            tracker = opens()
            while (call := self._next()) is not None:
                method, arguments = call
                if (function := getattr(tracker, method, None)) is not None:
                    function(*arguments)
            tracker.close()
        except BaseException as error:  # third-party code, which may use a network, and may even exit
            self.error = self.error or f"{type(error).__name__}: {error}"

    def _next(self) -> tuple[str, tuple[Any, ...]] | None:
        """The next call; None at the end, or once the tracker has been given up."""
        while not self.error:
            try:
                return self.calls.get(timeout=1.0)
            except Empty:
                continue
        return None
