"""Chains of additions and multiplications modulo a prime: each step is easy, the whole is hard to guess at once.

7+12*3+5 mod 23   is computed from left to right: 7+12=19, 19*3=11, 11+5=16.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from r1lite.text.response import ANSWER, END_ANSWER, END_THINK, THINK
from r1lite.types import Problem, Response
from tasks import task
from tasks._generated import GeneratedProblems, harder

# Minimum and maximum number of operations. The last level is only the hard split of the one below it.
LEVELS = {"easy": (2, 4), "standard": (5, 8), "hard": (9, 12), "extreme": (13, 16)}
FACTORS = range(2, 10)  # the times tables


@task("arithmetic")
class Arithmetic:
    """Chains of operations modulo a prime; the split `hard` has longer chains."""

    name = "arithmetic"

    def __init__(self, *, seed: int | str = 0, difficulty: str = "standard", modulus: int = 23, size: int = 100_000) -> None:
        if modulus < 2:
            raise ValueError(f"task.modulus must be at least 2, got {modulus}")
        self.seed, self.modulus, self.size = seed, modulus, size
        self.hard_lengths = LEVELS[harder(list(LEVELS), difficulty)]
        self.lengths = LEVELS[difficulty]

    def problems(self, split: str) -> Sequence[Problem]:
        lengths = self.hard_lengths if split == "hard" else self.lengths
        return GeneratedProblems(lambda random: self._make(random, lengths), seed=self.seed, split=split, size=self.size)

    def _make(self, random: Random, lengths: tuple[int, int]) -> Problem:
        start = random.randrange(self.modulus)
        steps = [self._step(random) for _ in range(random.randint(*lengths))]
        chain = f"{start}" + "".join(f"{sign}{number}" for sign, number in steps)
        info = {"start": start, "steps": tuple(steps), "operations": len(steps)}
        return Problem(
            id=f"arithmetic/{chain}", prompt=f"{chain} mod {self.modulus}", answer=str(self._values(start, steps)[-1]), info=info
        )

    def _step(self, random: Random) -> tuple[str, int]:
        sign = random.choice("+*")
        return sign, random.randrange(1, self.modulus) if sign == "+" else random.choice(FACTORS)

    def _values(self, start: int, steps: Sequence[tuple[str, int]]) -> list[int]:
        values = [start]
        for sign, number in steps:
            value = values[-1] + number if sign == "+" else values[-1] * number
            values.append(value % self.modulus)
        return values

    def demonstration(self, problem: Problem) -> Response:
        """The chain worked out step by step."""
        steps = problem.info["steps"]
        values = self._values(problem.info["start"], steps)
        worked = [f"{before}{sign}{number}={after}" for before, (sign, number), after in zip(values[:-1], steps, values[1:], strict=True)]
        return Response(thought=" ".join(worked), answer=problem.answer)

    def turns(self, problem: Problem, environment: str) -> list[str] | None:
        """The model's turns of an episode: with tools, the chain is computed by one call."""
        if environment != "tools":
            return None
        return [f"{THINK}<chain>{problem.prompt}</chain>", f"{END_THINK}{ANSWER}{problem.answer}{END_ANSWER}"]

    def guess(self, problem: Problem) -> str:
        """The answer of someone who does not compute it: a random one."""
        return str(Random(f"guess/{problem.id}").randrange(self.modulus))
