"""Generated problems: made on demand, in splits that cannot overlap."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from random import Random

from r1lite.registry import unknown
from r1lite.types import Problem
from tasks._lazy import Lazy

# The hash of its prompt decides the split of a problem, so splits do not overlap, whatever the seed and size.
BUCKETS = {"test": range(10), "validation": range(10, 15), "train": range(15, 100)}
SPLITS = (*BUCKETS, "hard")
TRIES = 10_000  # a task with few different problems may have none in a split


def bucket(prompt: str) -> int:
    return int.from_bytes(hashlib.blake2b(prompt.encode(), digest_size=8).digest(), "big") % 100


class GeneratedProblems(Lazy):
    """A sequence of `size` problems, each made on access from its index alone."""

    def __init__(
        self,
        make: Callable[[Random], Problem],
        *,
        seed: int | str,
        split: str,
        size: int,
        key: Callable[[Problem], str] = lambda problem: str(problem.prompt),
        twins: Callable[[Problem], Iterable[str]] = lambda _: (),
    ) -> None:
        """`twins` gives the keys of problems with the same answer; a training problem has no twin in a held-out split."""
        if split not in SPLITS:
            raise ValueError(unknown("split", split, SPLITS))
        self.make, self.seed, self.split, self.size, self.key, self.twins = make, seed, split, size, key, twins

    def __len__(self) -> int:
        return self.size

    def make_at(self, index: int) -> Problem:
        random = Random(f"{self.seed}/{self.split}/{index}")
        # Problems of the hard split differ in size from all others, so they need no bucket.
        buckets = BUCKETS.get(self.split)
        for _ in range(TRIES):
            problem = self.make(random)
            if buckets is None or (bucket(self.key(problem)) in buckets and not self._has_held_out_twin(problem)):
                return problem
        raise ValueError(f"none of {TRIES} random problems belongs to the {self.split} split: the task has too few different problems")

    def _has_held_out_twin(self, problem: Problem) -> bool:
        return self.split == "train" and any(bucket(twin) not in BUCKETS["train"] for twin in self.twins(problem))


def harder(levels: Sequence[str], difficulty: str) -> str:
    """The next level, from which the `hard` split is made."""
    if difficulty not in levels[:-1]:
        raise ValueError(unknown("task.difficulty", difficulty, levels[:-1]))
    return levels[levels.index(difficulty) + 1]
