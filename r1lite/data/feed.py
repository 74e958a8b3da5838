"""The order in which a stage sees its problems: reshuffled every epoch, a function of seed and position."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from random import Random

from r1lite.config import PromptConfig
from r1lite.data.curriculum import Curriculum
from r1lite.prompt import Prompter
from r1lite.scoring.metrics import Groups
from r1lite.types import Problem

PATIENCE = 10_000  # after the curriculum has passed over this many problems in a row, or an epoch, the next one is taken


class Feed:
    """An endless sequence of problems. Its state is `position`, and the curriculum's settled problems.

    `skipped` counts prompts over the length limit, `passed_over` the problems that the curriculum passed over.
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
        """The next problems whose prompts are within the length limit."""
        taken: list[Problem] = []
        too_long = passed = 0
        while len(taken) < count:
            problem = self._at(self.position)
            self.position += 1
            if passed < min(PATIENCE, len(self.problems)) and self._passes_over(problem):
                passed += 1
                continue
            if self._fits(problem):
                taken.append(problem)
                too_long = passed = 0
            elif (too_long := too_long + 1) >= 2 * len(self.problems) - 1:  # this many in a row contain a whole epoch
                raise self._none_fits()
        return taken

    def take_at(self, position: int | None = None) -> tuple[int, Problem]:
        """The next problem, and its position in the data; or the problem at a position from which it was taken before."""
        if position is not None:
            return position, self._at(position)
        (problem,) = self.take(1)
        return self.position - 1, problem

    def begin(self, step: int, steps: int) -> None:
        """Tell the curriculum which step comes next. Call before the step takes its problems."""
        if self.curriculum:
            self.curriculum.begin(step, steps)

    def learn(self, groups: Groups) -> None:
        """Tell the curriculum the step's results. Call after its rollouts are scored."""
        if self.curriculum:
            self.curriculum.learn(groups)

    @property
    def settled(self) -> tuple[str, ...]:
        return tuple(sorted(self.curriculum.settled)) if self.curriculum else ()

    def metrics(self) -> dict[str, float]:
        """How many prompts were too long, and what the curriculum did, since the stage started or resumed."""
        counts = {"prompts/skipped": float(self.skipped)}
        if self.curriculum:
            counts |= {"prompts/passed_over": float(self.passed_over), "prompts/settled": float(len(self.curriculum.settled))}
        return counts

    def take_once(self, count: int) -> list[Problem]:
        """The next problems of this epoch, without repetition; fewer than `count` if the epoch ends first."""
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
        passes_over = self.curriculum is not None and not self.curriculum.admits(problem, self.position - 1)
        self.passed_over += passes_over
        return passes_over

    def _none_fits(self) -> ValueError:
        return ValueError(f"every prompt is longer than prompt.max_tokens={self.limits.max_tokens}: raise it, or shorten the prompts")

    def _at(self, position: int) -> Problem:
        epoch, index = divmod(position, len(self.problems))
        if self._order[0] != epoch:
            indices = array("q", range(len(self.problems)))
            Random(f"{self.seed}/epoch/{epoch}").shuffle(indices)
            self._order = (epoch, indices)
        return self.problems[self._order[1][index]]

    def _fits(self, problem: Problem) -> bool:
        tokens = len(self.prompter.ids(problem))
        if tokens <= self.limits.max_tokens:
            return True
        if self.limits.too_long == "refuse":
            raise ValueError(
                f"the prompt of {problem.id} has {tokens} tokens, but prompt.max_tokens is {self.limits.max_tokens}. "
                f"Raise the limit, or set prompt.too_long=skip."
            )
        self.skipped += 1
        return False
