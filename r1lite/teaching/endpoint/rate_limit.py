"""When to ask, and how long to wait before asking again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime

LONGEST_BACKOFF, LONGEST_WAIT = 60.0, 3600.0  # seconds: our own, and where the endpoint asks for it


class Pace:
    """When the next request may go: so many a minute, and none while the endpoint asks for quiet."""

    def __init__(self, per_minute: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.gap, self.clock = 60.0 / per_minute if per_minute else 0.0, clock
        self.free_at, self.lock = 0.0, threading.Lock()

    def wait(self, stop: threading.Event) -> bool:
        """True when it is one's turn, False where all is to stop."""
        while not stop.is_set():
            with self.lock:
                left = self.free_at - self.clock()
                if left <= 0:
                    self.free_at = self.clock() + self.gap
                    return True
            stop.wait(left)
        return False

    def hold(self, seconds: float) -> None:
        with self.lock:
            self.free_at = max(self.free_at, self.clock() + seconds)


def pause(attempt: int, backoff: float, asked: float, chance: float) -> float:
    """Seconds before the next try: doubled each time, between half and all of it, and never less than was asked for."""
    return max(asked, min(LONGEST_BACKOFF, backoff * 2**attempt) * (0.5 + chance / 2))


def retry_after(header: str | None, now: datetime) -> float:
    """Seconds that the header asks for, which may give them or a date; 0 where it says nothing of use."""
    if header is None:
        return 0.0
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(header) - now).total_seconds()
        except (ValueError, TypeError):  # no date, or one without a zone
            return 0.0
    return min(max(seconds, 0.0), LONGEST_WAIT) if seconds == seconds else 0.0
