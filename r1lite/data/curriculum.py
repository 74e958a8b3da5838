"""Selects the problems that a step passes over: those that are still too hard, and most of those whose groups have no signal any more.

A group whose rollouts are all correct or all wrong has no signal. Its problem is `settled` until a later group has both; a
settled problem is admitted with probability `revisit`. The draw is seeded by the position in the data, so a feed remains a
function of its seed, its position and the settled problems, which the checkpoint stores.
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
        """Set the limit on difficulty, which rises linearly over the share `until` of all steps."""
        rising_steps = max(1.0, self.cfg.until * steps)
        progress = min(1.0, (step - 1) / rising_steps)
        self.limit = self.cfg.easiest + (self.cfg.hardest - self.cfg.easiest) * progress

    def learn(self, groups: Groups) -> None:
        """Update the settled problems from a step's groups. Rollouts that were not judged do not count."""
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
                f"rl.curriculum.column={self.cfg.column}: a difficulty must be a number, but {problem.id} has {value!r:.40}; "
                f"its columns are {', '.join(problem.info) or 'none'}"
            )
        return value


def make_curriculum(cfg: CurriculumConfig, *, seed: str, settled: Iterable[str] = ()) -> Curriculum | None:
    """None if the settings never pass over a problem."""
    return Curriculum(cfg, seed=seed, settled=settled) if cfg.column or cfg.revisit < 1 else None
