"""A number to be guessed, with the environment `guess`: `guess 17 to 31`."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from r1lite.text.response import respond
from r1lite.types import Problem, Response
from tasks import task
from tasks._generated import GeneratedProblems, harder

# The least and the largest count of numbers to choose from. The last level is only the hard split of the one below it.
LEVELS = {"easy": (4, 8), "standard": (10, 16), "hard": (20, 32), "extreme": (40, 64)}
HIGHEST = 999


@task("guess_number")
class GuessNumber:
    """A secret number in a range; the split `hard` has wider ranges."""

    name = "guess_number"

    def __init__(self, *, seed: int | str = 0, difficulty: str = "standard", size: int = 100_000) -> None:
        self.seed, self.size = seed, size
        self.hard_counts = LEVELS[harder(list(LEVELS), difficulty)]
        self.counts = LEVELS[difficulty]

    def problems(self, split: str) -> Sequence[Problem]:
        counts = self.hard_counts if split == "hard" else self.counts
        return GeneratedProblems(lambda random: self._make(random, counts), seed=self.seed, split=split, size=self.size)

    def _make(self, random: Random, counts: tuple[int, int]) -> Problem:
        count = random.randint(*counts)
        low = random.randint(0, HIGHEST + 1 - count)
        high, secret = low + count - 1, random.randint(low, low + count - 1)
        info = {"low": low, "high": high}
        return Problem(id=f"guess_number/{low}/{high}/{secret}", prompt=f"guess {low} to {high}", answer=str(secret), info=info)

    def demonstration(self, problem: Problem) -> Response:
        """The number at the first try."""
        return self._try(problem.info["low"], problem.info["high"], problem.answer)

    def turns(self, problem: Problem, environment: str) -> list[str] | None:
        """The model's turns of an episode of someone who guesses any number that is still possible."""
        if environment != "guess":
            return None
        random, secret = Random(f"turns/{problem.id}"), int(problem.answer)
        low, high, turns = problem.info["low"], problem.info["high"], []
        guess = -1
        while guess != secret:
            guess = random.randint(low, high)
            turns.append(respond(self._try(low, high, str(guess))))
            low, high = (guess + 1, high) if guess < secret else (low, guess - 1)
        return turns

    def guess(self, problem: Problem) -> str:
        """Any number of the range."""
        return str(Random(f"guess/{problem.id}").randint(problem.info["low"], problem.info["high"]))

    def _try(self, low: int, high: int, guess: str) -> Response:
        return Response(thought=f"{low} to {high}", answer=guess)
