"""The end of all ranks when one fails, with one message.

A collective waits for ranks that will never come. So a thread of each rank says once a second that it lives and what it is doing,
looks after other ranks (watch.py), and whether any rank has put a failure into the store. Whoever first has a reason puts it there;
then all end. That the connection to another rank broke is no reason: whoever finds that waits until the reason is known.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

from r1lite.parallel import doing, meeting, process, watch, world
from r1lite.parallel.failure import Describe, Failure, failure_of, is_lost_connection, is_said, may_say, record, recorded, resume
from r1lite.parallel.stop import Stopped
from r1lite.parallel.watch import BEAT_SECONDS

LOOK_SECONDS = 0.2  # between two looks whether this rank does something else, or any has failed
SAY_SECONDS = 2.5  # that others have to print the message: the launcher at once, then the leader, then who found the reason
PARTING_SECONDS = 10.0
REFUSE_SECONDS = 20.0  # that a rank with wrong settings looks for the others


@contextmanager
def guarded(timeout: float = 1800.0, describe: Describe | None = None) -> Iterator[None]:
    """Inside the context, a failure of any rank ends all of them. Without other ranks nothing happens."""
    if world.size() == 1:
        yield
        return
    guard = Guard(timeout, describe)
    guard.start()
    with ending_all(guard):
        yield
        guard.stop()


def refuse(message: str) -> NoReturn:
    """End this process before it has met the others, which may say the same: only one of them prints it."""
    if os.environ.get("WORLD_SIZE", "1") != "1":
        with suppress(Exception):  # without the others, or without a store
            meeting.connect(REFUSE_SECONDS)
            record(world.store(), Failure(message=message, again=False))
            if not may_say(world.store(), f"rank {world.rank()}"):
                sys.exit(1)
    sys.exit(message)


_guard: Guard | None = None


@contextmanager
def ending_all(guard: Guard | None = None) -> Iterator[None]:
    """Inside the context, an error ends all ranks at once, and not only when outer contexts have been left, which may take long."""
    guard = guard or _guard
    try:
        yield
    except BaseException as error:
        if guard is None:
            raise
        guard.fail(error)


class Guard:
    """Watches the ranks, from a thread with its own connection to the store."""

    def __init__(self, timeout: float, describe: Describe | None) -> None:
        self.timeout, self.describe = timeout, describe
        self.store = world.store().clone()
        self.me, self.name = world.rank(), f"rank {world.rank()}"
        self.stopped = threading.Event()
        self.ending = threading.RLock()  # held, for good, by the thread that ends this process
        self.number, self.lost = 0, False  # of beats; whether the store is gone
        self.watch = watch.Watch(self.store, timeout)
        self.threads = [threading.Thread(target=run, name="guard", daemon=True) for run in (self._run, self._watch_the_store)]

    def start(self) -> None:
        global _guard
        _guard = self
        with suppress(ValueError):  # not in the main thread
            signal.signal(signal.SIGINT, _interrupt_once)
        self._beat()
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        """Stop once all ranks are done: a rank that fails until then ends all."""
        global _guard
        doing.begin_phase("finishing")
        store = world.store()
        with doing.exchange():
            store.add("done", 1)
            while store.add("done", 0) < world.size():
                time.sleep(BEAT_SECONDS / 20)
        _guard = None
        with suppress(ValueError):
            signal.signal(signal.SIGINT, signal.default_int_handler)
        self.stopped.set()
        for thread in self.threads:
            thread.join()
        store.add("parted", 1)
        self._wait_until("parted")

    def fail(self, error: BaseException) -> NoReturn:
        """Put into the store why this rank fails, and end it."""
        try:
            failure = failure_of(error, self.describe)  # before waiting: it says what this rank is doing
            # The watching thread ends this process as soon as the reason is known.
            if is_lost_connection(error):
                self.store.set("lost", "a connection")
                time.sleep(watch.SILENT_SECONDS + 3 * BEAT_SECONDS)
                failure = watch.with_who_is_behind(failure)
            elif isinstance(error, Stopped) and not error.agreed:
                time.sleep(2 * BEAT_SECONDS)  # a launcher sends this signal too when another rank has failed
            self._end(failure)
        except Exception as lost:
            self._store_is_gone(str(lost))

    def _run(self) -> None:
        looked, words = 0.0, ""
        while not self.stopped.wait(LOOK_SECONDS):
            try:
                if failure := recorded(self.store):
                    self._leave(failure)
                is_due = time.monotonic() - looked > BEAT_SECONDS - LOOK_SECONDS / 2
                if is_due or words != doing.in_words():
                    self._beat()
                    words = doing.in_words()
                if is_due:
                    looked = time.monotonic()
                    if found := self.watch.look():
                        self._end(found)
            except Exception as error:
                if not self.stopped.is_set():
                    self._store_is_gone(str(error))

    def _watch_the_store(self) -> None:
        """A store that a stopped process keeps does not answer, and the other thread waits for it."""
        limit = watch.UNSEEN_SECONDS if not meeting.launcher_keeps_store() else self.timeout + watch.UNSEEN_SECONDS
        number, looks = 0, 0
        while not self.stopped.wait(BEAT_SECONDS):
            number, looks = self.number, (looks + 1 if number == self.number else 0)
            if looks * BEAT_SECONDS > limit:
                if not meeting.launcher_keeps_store() and 0 in self.watch.who:
                    process.kill(self.watch.who[0])
                self._store_is_gone(f"it has not answered for {limit:g} s")

    def _beat(self) -> None:
        channels = {name: what.beat() for name, what in doing.all_threads().items()}
        self.store.set(f"beat/{self.me}", json.dumps({"number": self.number, **channels}))
        self.number += 1

    def _end(self, failure: Failure) -> NoReturn:
        """Put the failure into the store, and end this process."""
        self.ending.acquire()
        failure = record(self.store, failure)
        if failure.stands_still:
            self._kill(failure.culprit)
        self._leave(failure, found=True)

    def _leave(self, failure: Failure, *, found: bool = False) -> NoReturn:
        """End this process. One rank prints the message, if the launcher does not."""
        self.ending.acquire()
        with suppress(Exception):  # the store may end with the ranks that have left
            patience = SAY_SECONDS / 5 if world.is_leader() else SAY_SECONDS if found else 0.0
            deadline = time.monotonic() + patience
            while not (said := is_said(self.store)) and time.monotonic() < deadline:
                time.sleep(LOOK_SECONDS / 4)
            if patience and not said and may_say(self.store, self.name):
                say(failure)
            self.store.add("parted", 1)
            self._wait_until("parted", 2 * SAY_SECONDS)
            if failure.culprit not in (None, self.me):
                time.sleep(2 * BEAT_SECONDS)  # in which it ends by itself, if it can
                self._kill(failure.culprit)
        os._exit(failure.code)

    def _kill(self, culprit: int | None) -> None:
        """End another rank, if it is on this machine."""
        if culprit not in (None, self.me):
            process.kill(world.identity_of(culprit))

    def _wait_until(self, key: str, seconds: float = PARTING_SECONDS) -> None:
        """If the store is this process's, it must not end before the others have read what they need."""
        deadline = time.monotonic() + seconds
        keeps_store = world.is_leader() and not meeting.launcher_keeps_store()
        while keeps_store and self.store.add(key, 0) < world.size() and time.monotonic() < deadline:
            time.sleep(BEAT_SECONDS / 20)

    def _store_is_gone(self, why: str) -> NoReturn:
        """Without the store nobody can agree on who prints: the first rank of each machine does."""
        if self.lost:  # the other thread has found it too
            time.sleep(PARTING_SECONDS)
        self.lost = True
        if meeting.launcher_keeps_store():
            speaks, whose = world.local_rank() == 0, "the launcher"
        else:
            speaks, whose = world.local_rank() == 0 or self.me == 1, f"rank 0 at {os.environ['MASTER_ADDR']}"
        if speaks:
            what = f"{whose} is gone, and with it the store where the ranks meet ({why.splitlines()[0][:200]})"
            say(Failure(message=f"error: {what}. {resume()}"))
        os._exit(1)


def _interrupt_once(*_: object) -> NoReturn:
    """Ctrl-C again must not interrupt the end of this rank."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def say(failure: Failure) -> None:
    """Print the message, after a progress bar that may have hidden the cursor."""
    if sys.stdout.isatty():
        print("\033[?25h", flush=True)
    print(f"{failure.details}{failure.message}", file=sys.stderr, flush=True)
