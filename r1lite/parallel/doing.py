"""What this rank is doing, which the message names if it, or another rank, fails. To say so costs an assignment.

The guard's thread reads it once a second. What the sampling thread does is kept apart from what the main thread does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from r1lite.parallel import world

WORDS = {
    "wait": "waiting for rollouts",
    "sample": "sampling",
    "score": "scoring",
    "train": "training",
    "check": "comparing sampler and trainer",
    "sync": "giving the sampler new weights",
    "save": "saving",
    "evaluate": "evaluating",
}


@dataclass(slots=True)
class Doing:
    """What one thread is doing. Ranks enter the same exchanges in the same order, so a count tells which rank is behind."""

    phase: str = "starting"
    stage: str = ""
    step: int = 0
    batch: tuple[int, int, Sequence[int]] | None = None  # number of the micro-batch, how many there are, its shape
    exchanges: int = 0  # entered so far
    since: float | None = None  # when it entered the one that it is in
    patient: bool = False  # it waits there for the leader, however long that takes
    alone: bool = False  # it is the leader, for which the others wait there

    def in_words(self) -> str:
        """`training (rl, step 3, micro-batch 1 of 2: 4 x 96 tokens)`"""
        where = [self.stage] if self.stage else []
        where += [f"step {self.step}"] if self.step else []
        if self.batch is not None:
            number, count, shape = self.batch
            where.append(f"micro-batch {number} of {count}: {' x '.join(map(str, shape))} tokens")
        return WORDS.get(self.phase, self.phase) + (f" ({', '.join(where)})" if where else "")

    def beat(self) -> dict[str, Any]:
        waits = 0.0 if self.since is None else time.monotonic() - self.since
        return {
            "words": self.in_words(),
            "exchanges": self.exchanges,
            "waits": 0.0 if self.alone else waits,
            "alone": waits if self.alone else 0.0,
            "patient": self.patient,
        }


_doing = {channel: Doing() for channel in world.CHANNELS}


def now() -> Doing:
    """What this thread does."""
    return _doing[world.channel()]


def all_threads() -> dict[str, Doing]:
    return _doing


def in_words() -> str:
    """What the main thread does."""
    return _doing[world.MAIN].in_words()


def begin_stage(name: str) -> None:
    for doing in _doing.values():
        doing.stage, doing.step, doing.batch, doing.phase = name, 0, None, "starting"


def begin_step(step: int) -> None:
    now().step = step


def begin_phase(name: str) -> None:
    doing = now()
    doing.phase, doing.batch = name, None


def begin_batch(number: int, count: int, shape: Sequence[int]) -> None:
    now().batch = number, count, shape


@contextmanager
def exchange(*, patient: bool = False, alone: bool = False) -> Iterator[None]:
    """Inside the context this thread waits for the other ranks, or, `alone`, they wait for it."""
    doing = now()
    doing.exchanges += 1
    doing.patient, doing.alone, doing.since = patient, alone, time.monotonic()
    try:
        yield
    finally:
        doing.since = None
