"""Which problems a step passes over: those that are too hard yet, and most of those that have nothing left to teach.

A group whose rollouts were all right or all wrong carries no signal. Its problem is `settled` until a later group of it
differs; while it is, it is admitted with probability `revisit`. The draw is seeded by the place in the order, so a feed
stays a function of its seed, its position, and the settled problems, which stand in the checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from r1lite.config import CurriculumConfig
from r1lite.scoring.metrics import Groups, judged
from r1lite.types import Problem


class Curriculum:
    def __init__(self, cfg: CurriculumConfig, *, seed: str, settled: Iterable[str] = ()) -> None:
        self.cfg, self.seed, self.settled = cfg, seed, set(settled)
        self.limit = cfg.hardest

    def begin(self, step: int, steps: int) -> None:
        """The limit on difficulty rises in a line over the first `until` of all steps, from step 1 on."""
        rise = max(1.0, self.cfg.until * steps)
        done = min(1.0, (step - 1) / rise)
        self.limit = self.cfg.easiest + (self.cfg.hardest - self.cfg.easiest) * done

    def learn(self, groups: Groups) -> None:
        """What a step's groups say of their problems; one that was not judged says nothing."""
        for group in groups:
            right = {s.right for s in group if judged(s)}
            if len(right) == 1:
                self.settled.add(group[0].problem.id)
            elif right:
                self.settled.discard(group[0].problem.id)

    def admits(self, problem: Problem, position: int) -> bool:
        if self.cfg.column and self._difficulty(problem) > self.limit:
            return False
        if self.cfg.revisit < 1 and problem.id in self.settled:
            return Random(f"{self.seed}/revisit/{position}").random() < self.cfg.revisit
        return True

    def _difficulty(self, problem: Problem) -> float:
        value = problem.info.get(self.cfg.column)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(
                f"rl.curriculum.column={self.cfg.column}: a difficulty is a number, and {problem.id} has {value!r:.40}; "
                f"its columns are {', '.join(problem.info) or 'none'}"
            )
        return value


def make_curriculum(cfg: CurriculumConfig, *, seed: str, settled: Iterable[str] = ()) -> Curriculum | None:
    """None where nothing is ever passed over."""
    return Curriculum(cfg, seed=seed, settled=settled) if cfg.column or cfg.revisit < 1 else None
