"""Which groups a step takes when many are sampled at once, and when one more may be asked for. Pure: no clock and no thread.

A group that is asked for while the sampler has the weights of step v may be trained up to step v + lag + 1: its staleness is then `lag`.
A step takes the groups that finished first. A slow group is passed over as long as every group that waits can still be
trained in time; once it cannot be passed over any more, the step waits for it. So no group is ever too stale, however long it takes.

Why that suffices: up to weights v, at most (v + lag + 1) steps' groups have been asked for. So never more groups are due by a step than
the steps up to it can train, and a step that takes what cannot wait leaves a state of which the same is true.
"""

from __future__ import annotations

from collections.abc import Iterable


class Admission:
    """The groups that were asked for and not yet trained. A group is named by its place: how many were asked for before it."""

    def __init__(self, *, per_step: int, lag: int, last: int, done: int = 0) -> None:
        self.per_step, self.lag, self.last = per_step, lag, last
        self.done = done  # steps that have taken their groups
        self.asked = done * per_step  # groups, without those that were discarded
        self.places = 0
        self.due: dict[int, int] = {}  # place -> the last step that may train the group
        self.finished: list[int] = []  # places, in the order in which the groups finished

    def may_ask(self, weights_step: int) -> bool:
        """Whether one more group may be asked for. `weights_step`: how many steps the sampler's weights have taken."""
        return self.asked < min(weights_step + self.lag + 1, self.last) * self.per_step

    def ask(self, weights_step: int) -> int:
        """The place of a new group."""
        place, self.places, self.asked = self.places, self.places + 1, self.asked + 1
        self.due[place] = weights_step + self.lag + 1
        return place

    def finish(self, place: int) -> bool:
        """Whether the group is still wanted."""
        if place in self.due:
            self.finished.append(place)
        return place in self.due

    def discard(self, place: int) -> None:
        """Take a group out, in place of which another may be asked for."""
        del self.due[place]
        self.finished = [other for other in self.finished if other != place]
        self.asked -= 1

    def overdue(self) -> list[int]:
        """Groups that the next step would have to wait for, although enough others have finished."""
        if len(self.finished) < self.per_step:
            return []
        ready = set(self.finished)
        return [place for place, due in self.due.items() if due <= self.done + 1 and place not in ready]

    def take(self) -> list[int] | None:
        """The groups of the next step, in the order in which they were asked for; None if it has to wait."""
        chosen = self._urgent()
        if chosen is None:
            return None
        chosen |= dict.fromkeys([place for place in self.finished if place not in chosen][: self.per_step - len(chosen)])
        if len(chosen) < self.per_step:
            return None
        self.done += 1
        for place in chosen:
            del self.due[place]
        self.finished = [place for place in self.finished if place in self.due]
        return sorted(chosen)

    def _urgent(self) -> dict[int, None] | None:
        """The groups that the steps after the next one could not train in time; None if such a group has not finished."""
        chosen: dict[int, None] = {}  # an ordered set
        for step in sorted(set(self.due.values())):
            capacity = (step - self.done - 1) * self.per_step  # of the steps after the next one, up to this one
            excess = self._due_by(step, self.due) - capacity - self._due_by(step, chosen)
            ready = [place for place in self.finished if self.due[place] <= step and place not in chosen]
            if excess > len(ready):
                return None
            chosen |= dict.fromkeys(ready[: max(0, excess)])
        return chosen

    def _due_by(self, step: int, places: Iterable[int]) -> int:
        return sum(self.due[place] <= step for place in places)
