"""Scores rollouts of a run again with other rules, and compares: what flips, which groups die, how the advantages change.

Pure, but for the scorer. The rollouts are those that were sampled under the old rules: a model trained on the new ones would
write others.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from r1lite.advantage import group_advantages, has_signal
from r1lite.scoring.metrics import judged, rewards_of
from r1lite.scoring.scorer import Scorer
from r1lite.types import Group, Scored

Groups = Sequence[Sequence[Scored]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Flip:
    """A rollout that is correct under one choice of rules and not under the other."""

    step: int
    before: Scored
    after: Scored


@dataclass(kw_only=True, slots=True)
class Comparison:
    """Counts over all steps that were added."""

    center: str = "mean"  # of the advantages, as are scale and eps
    scale: str = "std"
    eps: float = 1e-4
    rollouts: int = 0
    groups: int = 0
    flips: list[Flip] = field(default_factory=list)
    correct: list[int] = field(default_factory=lambda: [0, 0])  # before, after
    rewards: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    signal: Counter[tuple[bool, bool]] = field(default_factory=Counter)  # (before, after) -> groups
    changed: Counter[str] = field(default_factory=Counter)  # rule -> rollouts to which it gives another value
    unjudged: int = 0  # rollouts on which a new rule failed or timed out
    advantages: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))

    def add(self, step: int, before: Groups, after: Groups) -> None:
        """A step's groups, twice."""
        for old, new in zip(before, after, strict=True):
            self.groups += 1
            self.signal[has_signal(rewards_of(old)), has_signal(rewards_of(new))] += 1
            for a, b in zip(old, new, strict=True):
                self._add_rollout(step, a, b)
            self._add_advantages(old, new)

    def _add_rollout(self, step: int, before: Scored, after: Scored) -> None:
        self.rollouts += 1
        self.unjudged += not judged(after)
        self.correct[0] += before.right
        self.correct[1] += after.right
        for rewards, scored in zip(self.rewards, (before, after), strict=True):
            if judged(scored):
                rewards.append(scored.reward)
        if before.right != after.right:
            self.flips.append(Flip(step=step, before=before, after=after))
        self.changed.update(
            name for name in {*before.verdicts} & {*after.verdicts} if before.verdicts[name].value != after.verdicts[name].value
        )

    def _add_advantages(self, before: Sequence[Scored], after: Sequence[Scored]) -> None:
        """Of rollouts that both judged. They are compared by group, whatever else the algorithm does."""
        pairs = [(a.reward, b.reward) for a, b in zip(before, after, strict=True) if judged(a) and judged(b)]
        if len(pairs) > 1:
            for own, rewards in zip(self.advantages, zip(*pairs, strict=True), strict=True):
                own += group_advantages([list(rewards)], center=self.center, scale=self.scale, eps=self.eps)[0]

    def correlation(self) -> float | None:
        """Of the advantages; None where one of them is constant."""
        old, new = self.advantages
        return statistics.correlation(old, new) if len(old) > 1 and len({*old}) > 1 and len({*new}) > 1 else None

    def turned(self) -> float:
        """The share of rollouts with an advantage whose advantage has the other sign."""
        old, new = self.advantages
        pairs = [(a, b) for a, b in zip(old, new, strict=True) if a and b]
        return statistics.fmean(a * b < 0 for a, b in pairs) if pairs else 0.0


def rescored(scorer: Scorer, steps: Iterable[tuple[int, Groups]]) -> Iterator[tuple[int, Groups, Groups]]:
    """Each step's groups, as they were scored and as the scorer scores them."""
    for step, groups in steps:
        asked = [
            Group(problem=group[0].problem, rollouts=tuple(s.rollout for s in group), place=place) for place, group in enumerate(groups)
        ]
        yield step, groups, scorer.score(asked)
