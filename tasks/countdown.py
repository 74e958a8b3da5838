"""Reach the target with the given numbers, each used once. Reasoning here is search.

make 24 from 3 5 9   is searched by joining numbers until two are left, and seeing whether those reach the target:
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
# How many numbers, and the largest of them. The last level is there to be tested on.
LEVELS = {"easy": (3, 9), "standard": (3, 13), "hard": (4, 13), "extreme": (5, 13)}
MAX_TARGET = 99
MAX_VALUE = 400


@dataclass(frozen=True, slots=True)
class Term:
    """A value and the expression that makes it. `loose` says that + or - binds it, so a product needs brackets."""

    value: int
    text: str
    worked: str = ""  # the last step that led to it: "8*9=72"
    loose: bool = False


@task("countdown")
class Countdown:
    """Make a target from a few numbers; `hard` has one number more."""

    name = "countdown"

    def __init__(self, *, seed: int | str = 0, difficulty: str = "standard", size: int = 100_000) -> None:
        self.seed, self.size = seed, size
        above = LEVELS[harder(list(LEVELS), difficulty)]
        self.shape = LEVELS[difficulty]
        # More numbers, not merely larger ones: so no prompt of this split can be one of another's.
        self.hard_shape = above if above[0] > self.shape[0] else LEVELS["hard"]

    def problems(self, split: str) -> Sequence[Problem]:
        shape = self.hard_shape if split == "hard" else self.shape
        make = partial(self._make, shape=shape)
        return GeneratedProblems(make, seed=self.seed, split=split, size=self.size, twins=reordered)

    def _make(self, random: Random, shape: tuple[int, int]) -> Problem:
        count, largest = shape
        while True:
            numbers = [random.randint(1, largest) for _ in range(count)]
            steps, left = join(random, numbers, until=1)
            if 0 < left[0].value <= MAX_TARGET and all(step.value <= MAX_VALUE for step in steps):
                break
        prompt = asked(left[0].value, numbers)
        info = {"numbers": tuple(numbers), "target": left[0].value, "solution": left[0].text}
        return Problem(id=f"countdown/{prompt}", prompt=prompt, answer=left[0].text, info=info)

    def demonstration(self, problem: Problem) -> Response:
        """A search that never tries the same thing twice and stops at the target."""
        random, target = Random(f"search/{problem.id}"), problem.info["target"]
        tries: list[str] = []
        while True:
            steps, (a, b) = join(random, problem.info["numbers"], until=2)
            tried = " ".join(step.worked for step in steps)
            found = next((joined for joined in ways(a, b) if joined.value == target), None)
            if found:
                return Response(thought="; ".join([*tries, f"{tried} {found.worked}"]), answer=found.text)
            if f"{tried} no" not in tries:
                tries.append(f"{tried} no")

    def guess(self, problem: Problem) -> str:
        """Some expression over the right numbers."""
        return join(Random(f"guess/{problem.id}"), problem.info["numbers"], until=1)[1][0].text


def asked(target: int, numbers: Sequence[int]) -> str:
    return f"make {target} from {' '.join(map(str, numbers))}"


def reordered(problem: Problem) -> set[str]:
    """The same numbers in every order: one answer solves them all."""
    return {asked(problem.info["target"], order) for order in permutations(problem.info["numbers"])}


def join(random: Random, numbers: Sequence[int], *, until: int) -> tuple[list[Term], list[Term]]:
    """Join numbers two at a time, in a random order, until so many terms are left: the joins, and what is left."""
    terms, steps = [Term(n, str(n)) for n in numbers], []
    while len(terms) > until:
        a, b = (terms.pop(random.randrange(len(terms))) for _ in range(2))
        joined = random.choice(ways(a, b))
        steps.append(joined)
        terms.append(joined)
    return steps, terms


def ways(a: Term, b: Term) -> list[Term]:
    """The three ways to join two terms; the larger one stands first, so nothing is ever negative."""
    if (b.value, b.text) > (a.value, a.text):
        a, b = b, a
    return [_joined(a, sign, b) for sign in OPERATIONS]


def _joined(a: Term, sign: str, b: Term) -> Term:
    left = f"({a.text})" if sign == "*" and a.loose else a.text
    right = f"({b.text})" if sign != "+" and b.loose else b.text
    value = OPERATIONS[sign](a.value, b.value)
    return Term(value, f"{left}{sign}{right}", f"{a.value}{sign}{b.value}={value}", loose=sign != "*")
