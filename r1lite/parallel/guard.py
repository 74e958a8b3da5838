"""The end of all ranks when one fails, with one message.

A collective waits for ranks that will never come. So a thread of each rank says once a second that it lives and what it is doing,
and looks whether any rank has failed. The leader watches all ranks, and they watch it and one neighbour on their machine, whose
process they can see. Whoever first finds a reason puts it into the store; then all end.

That the connection to another rank broke is no reason: whoever finds that waits until the reason is known. A rank that runs and
does not come to an exchange is found after `parallel.timeout`, since each rank counts the exchanges that it has entered. One that
holds the interpreter's lock for long (reading a large file, say) gives no sign of life, but its neighbour sees that it moves.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from r1lite.parallel import doing, meeting, process, world
from r1lite.parallel.failure import Describe, Failure, failure_of, is_lost_connection, is_said, may_say, record, recorded, resume
from r1lite.parallel.stop import Stopped

BEAT_SECONDS = 1.0
LOOK_SECONDS = 0.2  # between two looks whether this rank does something else, or any has failed
SILENT_SECONDS = 10.0  # after which a rank counts as gone if its process does not move
UNSEEN_SECONDS = 30.0  # the same for a rank on another machine, whose process cannot be seen
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
        self.number, self.lost = 0, False
        self.moved = time.monotonic()  # when the store last answered
        self.who: dict[int, process.Identity] = {}  # the other ranks, once they have come
        self.seen: dict[int, tuple[Mapping[str, Any], int]] = {}  # rank -> its last sign of life, and looks since it was new
        self.threads = [threading.Thread(target=run, name="guard", daemon=True) for run in (self._watch, self._watch_the_store)]

    def start(self) -> None:
        global _guard
        _guard = self
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
        self.stopped.set()
        for thread in self.threads:
            thread.join()
        store.add("parted", 1)
        self._wait_until("parted")

    def fail(self, error: BaseException) -> NoReturn:
        """Put into the store why this rank fails, and end it."""
        with suppress(ValueError):  # not in the main thread
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            failure = failure_of(error, self.describe)  # before waiting: it says what this rank is doing
            # The watching thread ends this process as soon as the reason is known.
            if is_lost_connection(error):
                self.store.set("lost", "a connection")
                time.sleep(SILENT_SECONDS + 3 * BEAT_SECONDS)
                failure = self._behind(failure)
            elif isinstance(error, Stopped) and not error.agreed:
                time.sleep(2 * BEAT_SECONDS)  # a launcher sends this signal too when another rank has failed
            self._end(failure)
        except Exception as lost:
            self._store_is_gone(str(lost))

    def _watch(self) -> None:
        watched: list[int] = []
        beaten, words = 0.0, ""
        while not self.stopped.wait(LOOK_SECONDS):
            try:
                if failure := recorded(self.store):
                    self._leave(failure)
                is_due = time.monotonic() - beaten > BEAT_SECONDS - LOOK_SECONDS / 2
                if is_due or words != doing.in_words():
                    self._beat()
                    words = doing.in_words()
                if is_due:
                    beaten = time.monotonic()
                    watched = watched or self._whom_to_watch()
                    self._look_at_all(watched)
            except Exception as error:
                if not self.stopped.is_set():
                    self._store_is_gone(str(error))

    def _look_at_all(self, watched: Sequence[int]) -> None:
        for other in watched:
            self._look_at(other)
        if world.is_leader():
            self._look_for_a_hang()

    def _watch_the_store(self) -> None:
        """A store that a stopped process keeps does not answer, and the other thread waits for it."""
        limit = UNSEEN_SECONDS if not meeting.launcher_keeps_store() else self.timeout + UNSEEN_SECONDS
        while not self.stopped.wait(BEAT_SECONDS):
            if time.monotonic() - self.moved > limit:
                if 0 in self.who and not meeting.launcher_keeps_store() and process.is_here(self.who[0]):
                    process.kill(self.who[0])
                self._store_is_gone(f"it has not answered for {limit:g} s")

    def _beat(self) -> None:
        self.number += 1
        channels = {name: what.beat() for name, what in doing.all_threads().items()}
        self.store.set(f"beat/{self.me}", json.dumps({"number": self.number, **channels}))
        self.moved = time.monotonic()

    def _whom_to_watch(self) -> list[int]:
        """All others for the leader; for another rank the leader, and the next rank on its machine. None until all have come."""
        if not meeting.all_have_come():
            return []
        others = [number for number in range(world.size()) if number != self.me]
        self.who = {number: world.identity_of(number) for number in others}
        if world.is_leader():
            return others
        here = [number for number in others if process.is_here(self.who[number])]
        return list(dict.fromkeys([0, *sorted(here, key=lambda number: (number < self.me, number))[:1]]))

    def _look_at(self, other: int) -> None:
        who = self.who[other]
        key = f"beat/{other}"
        beat = json.loads(self.store.get(key)) if self.store.check([key]) else {}
        before, looks = self.seen.get(other, ({}, 0))
        self.seen[other] = beat, (looks + 1 if before.get("number") == beat.get("number") else 0)
        silent = self.seen[other][1] * BEAT_SECONDS  # not the time that has passed: this process may have stood still itself
        state = process.state_of(who) if process.is_here(who) else ""
        last = f"last heard of while {beat[world.MAIN]['words'] if beat else 'starting'}"
        # Our launcher, which knows the signal, is a moment faster.
        if state == process.GONE and silent and self.store.add("done", 0) < world.size():
            self._end(Failure(message=f"error: {world.place_of(other)} has ended without a word ({last}). {resume()}"))
        if silent > SILENT_SECONDS and state == process.STOPPED:
            what = f"has been stopped by a signal for {SILENT_SECONDS:g} s"
            self._end(Failure(message=f"error: {world.place_of(other)} {what} ({last}). {resume()}", culprit=other))
        if silent > self._patience(state):
            message = f"error: {world.place_of(other)} has given no sign of life for {silent:.0f} s ({last}). {resume()}"
            self._end(Failure(message=message, culprit=other))

    def _patience(self, state: str) -> float:
        """How long a rank may be silent whose process moves, or cannot be seen."""
        if state:
            return max(self.timeout, UNSEEN_SECONDS)
        return SILENT_SECONDS if self.store.check(["lost"]) else UNSEEN_SECONDS

    def _look_for_a_hang(self) -> None:
        """Whether ranks have waited too long in an exchange, and which rank has not come to it."""
        beats = {other: beat for other, (beat, _) in self.seen.items() if beat}
        beats[self.me] = {name: what.beat() for name, what in doing.all_threads().items()}
        for channel in world.CHANNELS:
            of_rank = {number: beat[channel] for number, beat in beats.items()}
            waiting = [one for one in of_rank.values() if one["waits"] > self.timeout and not one["patient"]]
            if not waiting:
                continue
            entered = max(one["exchanges"] for one in waiting)
            late = [number for number, one in of_rank.items() if one["exchanges"] < entered or (one["alone"] and not one["patient"])]
            what = f"the others have waited {self.timeout:g} s (parallel.timeout)"
            if late:
                where, again = world.place_of(late[0]), of_rank[late[0]]["words"]
                self._end(Failure(message=f"error: {where} does not go on: {what}, while it is {again}. {resume()}", culprit=late[0]))
            self._end(Failure(message=f"error: all ranks have come to an exchange that does not end: {what}. {resume()}"))

    def _behind(self, failure: Failure) -> Failure:
        """The same failure, or, if a rank has come less far than this one, that rank's."""
        mine = doing.now()
        for other in range(world.size()):
            beat = json.loads(world.store().get(f"beat/{other}")).get(world.channel(), {})
            if other != self.me and beat.get("exchanges", mine.exchanges) < mine.exchanges:
                return Failure(message=f"{failure.message}\n{world.place_of(other)} was behind: {beat['words']}.")
        return failure

    def _end(self, failure: Failure) -> NoReturn:
        self.ending.acquire()
        self._leave(record(self.store, failure), found=True)

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
            if failure.culprit not in (None, self.me) and process.is_here(who := world.identity_of(failure.culprit)):
                time.sleep(2 * BEAT_SECONDS)  # in which it ends by itself, if it can
                process.kill(who)
        os._exit(failure.code)

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


def say(failure: Failure) -> None:
    """Print the message, after a progress bar that may have hidden the cursor."""
    if sys.stdout.isatty():
        print("\033[?25h", flush=True)
    print(f"{failure.details}{failure.message}", file=sys.stderr, flush=True)
