"""The order in which a stage sees its problems: shuffled anew each epoch, and a function of seed and position."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from random import Random

from r1lite.config import PromptConfig
from r1lite.data.curriculum import Curriculum
from r1lite.prompt import Prompter
from r1lite.scoring.metrics import Groups
from r1lite.types import Problem

PATIENCE = 10_000  # problems that a curriculum may pass over in a row, if an epoch has so many: then what comes is taken


class Feed:
    """Problems without end. `position` is all there is to save, beside what a curriculum knows.

    `skipped` counts prompts over the limit, `passed_over` those that the curriculum left out.
    """

    def __init__(
        self,
        problems: Sequence[Problem],
        *,
        seed: str,
        prompter: Prompter,
        limits: PromptConfig,
        position: int = 0,
        curriculum: Curriculum | None = None,
    ) -> None:
        if not len(problems):
            raise ValueError("the data set is empty: there is no problem to train on")
        if limits.too_long not in ("skip", "refuse"):
            raise ValueError(f"prompt.too_long must be skip or refuse, got {limits.too_long!r}")
        self.problems, self.seed, self.prompter, self.limits = problems, seed, prompter, limits
        self.position, self.skipped, self.passed_over = position, 0, 0
        self.curriculum = curriculum
        self._order: tuple[int, array[int]] = (-1, array("q"))

    def take(self, count: int) -> list[Problem]:
        """The next problems. Each has a prompt within the limit."""
        taken: list[Problem] = []
        misses = passed = 0
        while len(taken) < count:
            problem = self._at(self.position)
            self.position += 1
            if passed < min(PATIENCE, len(self.problems)) and self._passes_over(problem):
                passed += 1
                continue
            if self._fits(problem):
                taken.append(problem)
                misses = passed = 0
            elif (misses := misses + 1) >= 2 * len(self.problems) - 1:  # so many in a row hold one whole epoch
                raise self._none_fits()
        return taken

    def begin(self, step: int, steps: int) -> None:
        """Always before a step takes its problems."""
        if self.curriculum:
            self.curriculum.begin(step, steps)

    def learn(self, groups: Groups) -> None:
        """Always after: what the step's rollouts say of their problems."""
        if self.curriculum:
            self.curriculum.learn(groups)

    @property
    def settled(self) -> tuple[str, ...]:
        return tuple(sorted(self.curriculum.settled)) if self.curriculum else ()

    def metrics(self) -> dict[str, float]:
        """How many prompts did not fit, and what a curriculum did."""
        told = {"prompts/skipped": float(self.skipped)}
        if self.curriculum:
            told |= {"prompts/passed_over": float(self.passed_over), "prompts/settled": float(len(self.curriculum.settled))}
        return told

    def take_once(self, count: int) -> list[Problem]:
        """The next problems of this epoch: fewer where it has fewer, but none of them twice."""
        taken: list[Problem] = []
        end = (self.position // len(self.problems) + 1) * len(self.problems)
        while len(taken) < count and self.position < end:
            problem = self._at(self.position)
            self.position += 1
            if self._fits(problem):
                taken.append(problem)
        if not taken:
            raise self._none_fits()
        return taken

    def _passes_over(self, problem: Problem) -> bool:
        over = self.curriculum is not None and not self.curriculum.admits(problem, self.position - 1)
        self.passed_over += over
        return over

    def _none_fits(self) -> ValueError:
        return ValueError(f"every prompt is longer than prompt.max_tokens={self.limits.max_tokens}: raise it, or shorten the prompts")

    def _at(self, position: int) -> Problem:
        epoch, place = divmod(position, len(self.problems))
        if self._order[0] != epoch:
            indices = array("q", range(len(self.problems)))
            Random(f"{self.seed}/epoch/{epoch}").shuffle(indices)
            self._order = (epoch, indices)
        return self.problems[self._order[1][place]]

    def _fits(self, problem: Problem) -> bool:
        tokens = len(self.prompter.ids(problem))
        if tokens <= self.limits.max_tokens:
            return True
        if self.limits.too_long == "refuse":
            raise ValueError(
                f"the prompt of {problem.id} has {tokens} tokens, and prompt.max_tokens is {self.limits.max_tokens}. "
                f"Raise the limit, or set prompt.too_long=skip."
            )
        self.skipped += 1
        return False
