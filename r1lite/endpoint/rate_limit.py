"""Rate limit and backoff of requests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime

LONGEST_BACKOFF, LONGEST_WAIT = 60.0, 3600.0  # seconds: between our retries, and at the endpoint's request


class RateLimiter:
    """Limits requests per minute, and stops them while the endpoint asks for a pause."""

    def __init__(self, per_minute: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.gap, self.clock = 60.0 / per_minute if per_minute else 0.0, clock
        self.free_at, self.lock = 0.0, threading.Lock()

    def wait(self, stop: threading.Event) -> bool:
        """Block until the next request may be sent. False if `stop` is set first."""
        while not stop.is_set():
            with self.lock:
                remaining = self.free_at - self.clock()
                if remaining <= 0:
                    self.free_at = self.clock() + self.gap
                    return True
            stop.wait(remaining)
        return False

    def hold(self, seconds: float) -> None:
        """Send no request for this long."""
        with self.lock:
            self.free_at = max(self.free_at, self.clock() + seconds)


def backoff_seconds(attempt: int, backoff: float, minimum: float, jitter: float) -> float:
    """Seconds before the next try: doubled with each attempt, reduced by up to half by a jitter in [0, 1], and at least the minimum."""
    return max(minimum, min(LONGEST_BACKOFF, backoff * 2**attempt) * (0.5 + jitter / 2))


def retry_after(header: str | None, now: datetime) -> float:
    """The seconds in a Retry-After header, which may contain a number or a date; 0 if it contains neither."""
    if header is None:
        return 0.0
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(header) - now).total_seconds()
        except (ValueError, TypeError):  # not a date, or one without a time zone
            return 0.0
    return min(max(seconds, 0.0), LONGEST_WAIT) if seconds == seconds else 0.0
