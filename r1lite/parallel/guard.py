"""One message when a rank fails, and the end of all ranks.

A collective waits for ranks that will never come. So a thread of each rank says once a second that it lives and what it is doing,
and looks whether any rank has failed; the leader looks whether the others live, and they whether the leader does. The first rank to
record a failure prints it, and all end. That the connection to another rank broke is no failure of its own: the rank that broke it
is given time to say why.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from r1lite.parallel import world

BEAT_SECONDS = 1.0
SILENT_SECONDS = 10.0  # after which a rank counts as gone
FAILURE = "failure"
RESUME = "The same command resumes the run from its last checkpoint."

_phase = "starting"


def phase(name: str) -> None:
    """Say what this rank does from now on, for the message in case it fails."""
    global _phase
    _phase = name


@contextmanager
def guarded() -> Iterator[None]:
    """Inside the context, a failure of any rank ends all of them. Without other ranks nothing happens."""
    if world.size() == 1:
        yield
        return
    guard = Guard()
    guard.start()
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        guard.fail(error)
    guard.stop()


class Guard:
    """Watches the ranks, from a thread with its own connection to the store."""

    def __init__(self) -> None:
        self.store = world.store().clone()
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._watch, name="guard", daemon=True)

    def start(self) -> None:
        self._beat(0)
        self.thread.start()

    def stop(self) -> None:
        """All ranks are done. None stops watching before all have said so."""
        self.stopped.set()
        self.thread.join()

    def fail(self, error: BaseException) -> None:
        """Record why this rank fails, and end it."""
        if _is_lost_connection(error):
            time.sleep(SILENT_SECONDS + 2 * BEAT_SECONDS)  # the watching thread ends this process as soon as it knows why
        self._end(self._described(error))

    def _watch(self) -> None:
        watched = range(1, world.size()) if world.rank() == 0 else (0,)
        seen: dict[int, tuple[str, float]] = {}
        number = 0
        while not self.stopped.wait(BEAT_SECONDS):
            number += 1
            try:
                self._beat(number)
                if self.store.check([FAILURE]):
                    self._leave()
                for other in watched:
                    self._look_at(other, seen)
            except Exception:  # the store is gone, and with it whoever kept it
                self._print(f"rank {world.rank()} lost the launcher or the leader, and ends. {RESUME}")
                os._exit(1)

    def _beat(self, number: int) -> None:
        self.store.set(f"beat/{world.rank()}", json.dumps({"number": number, "phase": _phase}))

    def _look_at(self, other: int, seen: dict[int, tuple[str, float]]) -> None:
        key = f"beat/{other}"
        beat = self.store.get(key).decode() if self.store.check([key]) else ""
        if other not in seen or seen[other][0] != beat:
            seen[other] = (beat, time.monotonic())
        elif time.monotonic() - seen[other][1] > SILENT_SECONDS:
            doing = json.loads(beat)["phase"] if beat else _phase
            self._end(f"{world.place_of(other)} is gone (last heard of while {doing}). {RESUME}")

    def _described(self, error: BaseException) -> str:
        if isinstance(error, KeyboardInterrupt):
            return f"stopped. {RESUME}"
        if _is_lost_connection(error):
            return f"{world.place_of(world.rank())} waited in vain for another rank while {_phase}: {_first_line(error)}. {RESUME}"
        if isinstance(error, ValueError):  # meant for the user
            return str(error)
        return f"{world.place_of(world.rank())} failed while {_phase}: {type(error).__name__}: {_first_line(error)}"

    def _end(self, message: str) -> None:
        """Print the message if no rank has failed before, and end this process."""
        mine = json.dumps({"rank": world.rank(), "message": message})
        if self.store.compare_set(FAILURE, "", mine).decode() == mine:
            self._print(f"error: {message}")
        self._leave()

    def _leave(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)

    def _print(self, message: str) -> None:
        print(message, file=sys.stderr, flush=True)


def _is_lost_connection(error: BaseException) -> bool:
    text = str(error).lower()
    words = ("connection closed by peer", "connection reset", "timed out waiting", "broken pipe", "socket closed", "nccl")
    return isinstance(error, RuntimeError | ConnectionError) and any(word in text for word in words)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "")[:500]
