"""Reach a target with some numbers, each used once. Reasoning means search here.

make 24 from 3 5 9   is searched by combining numbers until two are left, and checking whether these reach the target:
3+5=8 no; 9-5=4 no; 3*5=15 15+9=24, so the answer is 3*5+9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import permutations
from random import Random

from r1lite.types import Problem, Response
from tasks import task
from tasks._generated import GeneratedProblems, harder

OPERATIONS = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b}
# The count of numbers, and the largest number. The last level is only the hard split of the one below it.
LEVELS = {"easy": (3, 9), "standard": (3, 13), "hard": (4, 13), "extreme": (5, 13)}
MAX_TARGET = 99
MAX_VALUE = 400


@dataclass(frozen=True, slots=True)
class Term:
    """A value and its expression. `loose` marks a sum or difference, which needs brackets within a product."""

    value: int
    text: str
    worked: str = ""  # the last step: "8*9=72"
    loose: bool = False


@task("countdown")
class Countdown:
    """Make a target from a few numbers; the split `hard` has one more number."""

    name = "countdown"

    def __init__(self, *, seed: int | str = 0, difficulty: str = "standard", size: int = 100_000) -> None:
        self.seed, self.size = seed, size
        above = LEVELS[harder(list(LEVELS), difficulty)]
        self.shape = LEVELS[difficulty]
        # More numbers, not only larger ones, so that no prompt of this split occurs in another.
        self.hard_shape = above if above[0] > self.shape[0] else LEVELS["hard"]

    def problems(self, split: str) -> Sequence[Problem]:
        shape = self.hard_shape if split == "hard" else self.shape
        make = partial(self._make, shape=shape)
        return GeneratedProblems(make, seed=self.seed, split=split, size=self.size, twins=reordered)

    def _make(self, random: Random, shape: tuple[int, int]) -> Problem:
        count, largest = shape
        while True:
            numbers = [random.randint(1, largest) for _ in range(count)]
            steps, left = combine(random, numbers, until=1)
            if 0 < left[0].value <= MAX_TARGET and all(step.value <= MAX_VALUE for step in steps):
                break
        prompt = prompt_of(left[0].value, numbers)
        info = {"numbers": tuple(numbers), "target": left[0].value, "solution": left[0].text}
        return Problem(id=f"countdown/{prompt}", prompt=prompt, answer=left[0].text, info=info)

    def demonstration(self, problem: Problem) -> Response:
        """A search that tries nothing twice and stops at the target."""
        random, target = Random(f"search/{problem.id}"), problem.info["target"]
        tries: list[str] = []
        while True:
            steps, (a, b) = combine(random, problem.info["numbers"], until=2)
            tried = " ".join(step.worked for step in steps)
            solution = next((term for term in ways(a, b) if term.value == target), None)
            if solution:
                return Response(thought="; ".join([*tries, f"{tried} {solution.worked}"]), answer=solution.text)
            if f"{tried} no" not in tries:
                tries.append(f"{tried} no")

    def guess(self, problem: Problem) -> str:
        """A random expression over the numbers."""
        return combine(Random(f"guess/{problem.id}"), problem.info["numbers"], until=1)[1][0].text


def prompt_of(target: int, numbers: Sequence[int]) -> str:
    return f"make {target} from {' '.join(map(str, numbers))}"


def reordered(problem: Problem) -> set[str]:
    """The prompts with the same numbers in any order, which have the same answer."""
    return {prompt_of(problem.info["target"], order) for order in permutations(problem.info["numbers"])}


def combine(random: Random, numbers: Sequence[int], *, until: int) -> tuple[list[Term], list[Term]]:
    """Combine random pairs of numbers until `until` terms are left. Returns the steps and the terms that are left."""
    terms, steps = [Term(n, str(n)) for n in numbers], []
    while len(terms) > until:
        a, b = (terms.pop(random.randrange(len(terms))) for _ in range(2))
        combined = random.choice(ways(a, b))
        steps.append(combined)
        terms.append(combined)
    return steps, terms


def ways(a: Term, b: Term) -> list[Term]:
    """The three ways to combine two terms. The larger one comes first, so that no value is negative."""
    if (b.value, b.text) > (a.value, a.text):
        a, b = b, a
    return [_combined(a, sign, b) for sign in OPERATIONS]


def _combined(a: Term, sign: str, b: Term) -> Term:
    left = f"({a.text})" if sign == "*" and a.loose else a.text
    right = f"({b.text})" if sign != "+" and b.loose else b.text
    value = OPERATIONS[sign](a.value, b.value)
    return Term(value, f"{left}{sign}{right}", f"{a.value}{sign}{b.value}={value}", loose=sign != "*")
