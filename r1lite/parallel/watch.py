"""Looks after other ranks: whether they live, move and come to the exchanges.

The leader looks after all ranks; they look after it and one neighbour on their machine, whose process they can see. A rank that runs
and does not come to an exchange is found after `parallel.timeout`, since each rank counts the exchanges that it has entered. One that
holds the interpreter's lock for long (reading a large file, say) gives no sign of life, but its neighbour sees that it moves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from r1lite.parallel import doing, meeting, process, world
from r1lite.parallel.failure import Failure, resume

BEAT_SECONDS = 1.0  # between two signs of life
SILENT_SECONDS = 10.0  # after which a rank is given up if its process does not move
UNSEEN_SECONDS = 30.0  # the same for a rank on another machine, whose process cannot be seen


class Watch:
    """What one rank sees of the others. `look` is called once in BEAT_SECONDS."""

    def __init__(self, store: Any, timeout: float) -> None:
        self.store, self.timeout = store, timeout
        self.watched: list[int] = []
        self.who: dict[int, process.Identity] = {}  # the other ranks, once all have come
        self.seen: dict[int, tuple[Mapping[str, Any], int]] = {}  # rank -> its last sign of life, and looks since it was new

    def look(self) -> Failure | None:
        """The first failure that there is to see."""
        if not self.who and meeting.all_have_come():
            self.who = {number: world.identity_of(number) for number in range(world.size()) if number != world.rank()}
            self.watched = [*self.who] if world.is_leader() else list(dict.fromkeys([0, *self._neighbours()[:1]]))
        for other in self.watched:
            if failure := self._look_at(other):
                return failure
        return self._hang() if world.is_leader() else None

    def _neighbours(self) -> list[int]:
        """The other ranks of this machine, beginning with the next one."""
        return sorted(filter(self._is_here, self.who), key=lambda number: (number < world.rank(), number))

    def _is_here(self, other: int) -> bool:
        return process.is_here(self.who[other])

    def _look_at(self, other: int) -> Failure | None:
        beat = json.loads(self.store.get(f"beat/{other}")) if self.store.check([f"beat/{other}"]) else {}
        before, looks = self.seen.get(other, ({}, 0))
        self.seen[other] = beat, (looks + 1 if before.get("number") == beat.get("number") else 0)
        silent = self.seen[other][1] * BEAT_SECONDS  # not the time that has passed: this process may have stood still itself
        state = process.state_of(self.who[other]) if self._is_here(other) else ""
        who, last = world.place_of(other), f"last heard of while {beat[world.MAIN]['words'] if beat else 'starting'}"
        # Our launcher, which knows the signal, is a moment faster.
        if state == process.GONE and silent and self.store.add("done", 0) < world.size():
            return Failure(message=f"error: {who} has ended without a word ({last}). {resume()}")
        if silent >= SILENT_SECONDS and state == process.STOPPED:
            message = f"error: {who} has been stopped by a signal for {SILENT_SECONDS:g} s ({last}). {resume()}"
            return Failure(message=message, culprit=other, stands_still=True)
        if silent > self._patience(state):
            return Failure(message=f"error: {who} has given no sign of life for {silent:.0f} s ({last}). {resume()}", culprit=other)
        return None

    def _patience(self, state: str) -> float:
        """How long a rank may be silent whose process moves, or cannot be seen."""
        if state:
            return max(self.timeout, UNSEEN_SECONDS)
        return SILENT_SECONDS if self.store.check(["lost"]) else UNSEEN_SECONDS

    def _hang(self) -> Failure | None:
        """Whether ranks have waited too long in an exchange, and which rank has not come to it."""
        beats = {other: beat for other, (beat, _) in self.seen.items() if beat}
        beats[world.rank()] = {name: what.beat() for name, what in doing.all_threads().items()}
        for channel in world.CHANNELS:
            of_rank = {number: beat[channel] for number, beat in beats.items()}
            waiting = [one for one in of_rank.values() if one["waits"] > self.timeout and not one["patient"]]
            if not waiting:
                continue
            entered = max(one["exchanges"] for one in waiting)
            late = [number for number, one in of_rank.items() if one["exchanges"] < entered or (one["alone"] and not one["patient"])]
            what = f"the others have waited {self.timeout:g} s (parallel.timeout)"
            if not late:
                return Failure(message=f"error: all ranks have come to an exchange that does not end: {what}. {resume()}")
            message = f"error: {world.place_of(late[0])} does not go on: {what}, while it is {of_rank[late[0]]['words']}. {resume()}"
            return Failure(message=message, culprit=late[0])
        return None


def with_who_is_behind(failure: Failure) -> Failure:
    """The failure of a rank that has lost the others, and the rank that has come less far than this one, if there is one."""
    mine, channel = doing.now(), world.channel()
    for other in range(world.size()):
        beat = json.loads(world.store().get(f"beat/{other}"))[channel]
        if beat["exchanges"] < mine.exchanges:
            return Failure(message=f"{failure.message}\n{world.place_of(other)} was behind: {beat['words']}.")
    return failure
