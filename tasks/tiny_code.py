"""Small functions described step by step, for trying code rewards without a data set.

Write a Python function f(x) that takes a whole number: add 3, then double it, then take the remainder by 7.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from r1lite.types import Problem, Response
from tasks import task
from tasks._generated import GeneratedProblems, harder

# Minimum and maximum number of steps. The last level is only the hard split of the one below it.
LEVELS = {"easy": (1, 2), "standard": (3, 4), "hard": (5, 6), "extreme": (7, 8)}
INPUTS = (0, 1, -1, 2, 7, -13, 40, 101)

# The description of a step, its line of code, and its result; {n} is a random number.
STEPS: tuple[tuple[str, str, Callable[[int, int], int]], ...] = (
    ("add {n}", "x = x + {n}", lambda x, n: x + n),
    ("subtract {n}", "x = x - {n}", lambda x, n: x - n),
    ("multiply by {n}", "x = x * {n}", lambda x, n: x * n),
    ("take the remainder by {n}", "x = x % {n}", lambda x, n: x % n),
    ("divide by {n}, rounding down", "x = x // {n}", lambda x, n: x // n),
    ("take it or {n}, whichever is larger", "x = max(x, {n})", max),
    ("take it or {n}, whichever is smaller", "x = min(x, {n})", min),
    ("drop its sign", "x = abs(x)", lambda x, _: abs(x)),
    ("turn its sign around", "x = -x", lambda x, _: -x),
)


@task("tiny_code")
class TinyCode:
    """Functions of one whole number, tested on eight inputs; the split `hard` has longer functions."""

    name = "tiny_code"

    def __init__(self, *, seed: int | str = 0, difficulty: str = "standard", size: int = 100_000) -> None:
        self.seed, self.size = seed, size
        self.hard_lengths = LEVELS[harder(list(LEVELS), difficulty)]
        self.lengths = LEVELS[difficulty]

    def problems(self, split: str) -> Sequence[Problem]:
        lengths = self.hard_lengths if split == "hard" else self.lengths
        return GeneratedProblems(lambda random: self._make(random, lengths), seed=self.seed, split=split, size=self.size)

    def _make(self, random: Random, lengths: tuple[int, int]) -> Problem:
        steps = tuple((random.randrange(len(STEPS)), random.randrange(2, 10)) for _ in range(random.randint(*lengths)))
        if not _matters(steps):
            return self._make(random, lengths)
        description = ", then ".join(STEPS[kind][0].format(n=n) for kind, n in steps)
        tests = [{"args": [x], "expected": _value(steps, x)} for x in INPUTS]
        return Problem(
            id="tiny_code/" + " ".join(f"{kind}:{n}" for kind, n in steps),
            prompt=f"Write a Python function f(x) that takes a whole number: {description}.",
            answer=_block(steps),
            info={"tests": tests, "fn_name": "f", "steps": steps},
        )

    def demonstration(self, problem: Problem) -> Response:
        """Each step with its line of code."""
        steps = problem.info["steps"]
        worked = "\n".join(f"{STEPS[kind][0].format(n=n)}: {STEPS[kind][1].format(n=n)}" for kind, n in steps)
        return Response(thought=worked, answer=_block(steps))

    def guess(self, problem: Problem) -> str:
        """The program with one number misread. Steps without a number do not change."""
        steps, random = list(problem.info["steps"]), Random(f"guess/{problem.id}")
        at = random.randrange(len(steps))
        steps[at] = (steps[at][0], steps[at][1] + random.choice((1, 2)))
        return _block(steps)


def _block(steps: Sequence[tuple[int, int]]) -> str:
    lines = "".join(f"    {STEPS[kind][1].format(n=n)}\n" for kind, n in steps)
    return f"```python\ndef f(x):\n{lines}    return x\n```"


def _value(steps: Sequence[tuple[int, int]], x: int) -> int:
    for kind, n in steps:
        x = STEPS[kind][2](x, n)
    return x


def _matters(steps: tuple[tuple[int, int], ...]) -> bool:
    """Whether the tests fail without any one of the steps, and for constants."""
    values = [[_value(chosen, x) for x in INPUTS] for chosen in (steps, *(steps[:i] + steps[i + 1 :] for i in range(len(steps))))]
    return values[0] not in values[1:] and len(set(values[0])) > 2
