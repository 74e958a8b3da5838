"""What generated tasks share: problems made on demand, and splits that cannot overlap."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from random import Random

from r1lite.registry import unknown
from r1lite.types import Problem
from tasks._lazy import Lazy

# A problem belongs to one split by the hash of its prompt, so no seed and no size can make two splits overlap.
BUCKETS = {"test": range(10), "validation": range(10, 15), "train": range(15, 100)}
SPLITS = (*BUCKETS, "hard")
TRIES = 10_000  # a task of a handful of problems may have none in a split


def bucket(prompt: str) -> int:
    return int.from_bytes(hashlib.blake2b(prompt.encode(), digest_size=8).digest(), "big") % 100


class GeneratedProblems(Lazy):
    """A sequence of `size` problems; each is made when it is looked at, from its own index alone."""

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
        """`twins`: the keys of problems that are solved by the same answer. None of a training problem's is held out."""
        if split not in SPLITS:
            raise ValueError(unknown("split", split, SPLITS))
        self.make, self.seed, self.split, self.size, self.key, self.twins = make, seed, split, size, key, twins

    def __len__(self) -> int:
        return self.size

    def make_at(self, index: int) -> Problem:
        random = Random(f"{self.seed}/{self.split}/{index}")
        # Harder problems differ in size from every other split's, so they need no bucket.
        wanted = BUCKETS.get(self.split)
        for _ in range(TRIES):
            problem = self.make(random)
            if wanted is None or (bucket(self.key(problem)) in wanted and not self._is_known(problem)):
                return problem
        raise ValueError(f"none of {TRIES} problems drawn falls into the {self.split} split: the task has too few different ones")

    def _is_known(self, problem: Problem) -> bool:
        """Whether a training problem says the same as one that is held out."""
        return self.split == "train" and any(bucket(twin) not in BUCKETS["train"] for twin in self.twins(problem))


def harder(levels: Sequence[str], difficulty: str) -> str:
    """The level above; the `hard` split is drawn from it."""
    if difficulty not in levels[:-1]:
        raise ValueError(unknown("task.difficulty", difficulty, levels[:-1]))
    return levels[levels.index(difficulty) + 1]
