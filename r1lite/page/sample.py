"""Which rollouts the page holds: whole groups, spread evenly over stages and steps, within a budget. The ledger keeps all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from r1lite.page.steps import Group, Step

MAX_ROLLOUTS = 24_000
MAX_CHARACTERS = 12_000_000  # of responses, which a browser searches in a fraction of a second


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """A group that the page holds."""

    stage: str
    step: Step
    group: Group


def choose(steps: Mapping[str, Sequence[Step]], *, rollouts: int = MAX_ROLLOUTS, characters: int = MAX_CHARACTERS) -> list[Chosen]:
    """The first group of every step, then the second of every step, and so on, until the budget is used up.

    Within a step come first groups on which a rule failed or timed out, then problems that were sampled in several steps, which
    can be compared, then the others in an order that depends on their names alone.
    """
    times = Counter((stage, group.problem) for stage, read in steps.items() for step in read for group in step.groups)

    def order(one: Chosen) -> tuple[bool, bool, str]:
        group = one.group
        return (group.judged == group.size, times[one.stage, group.problem] < 2, blake2b(group.problem.encode()).hexdigest())

    ranked: list[tuple[int, int, Chosen]] = []
    for stage, read in steps.items():
        for step in read:
            own = sorted((Chosen(stage=stage, step=step, group=group) for group in step.groups), key=order)
            ranked += [(rank, step.step, one) for rank, one in enumerate(own)]
    ranked.sort(key=lambda entry: entry[:2])
    kept: list[Chosen] = []
    for _, _, one in ranked:
        rollouts -= one.group.size
        characters -= min(one.group.characters, one.group.size * LONGEST)
        if kept and (rollouts < 0 or characters < 0):
            break
        kept.append(one)
    place = {stage: number for number, stage in enumerate(steps)}
    return sorted(kept, key=lambda one: (place[one.stage], one.step.step, one.group.first))


LONGEST = 20_000  # characters of a text that the page holds
HEAD = 14_000  # of which these are its beginning


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """A text as the page holds it: whole, or its beginning and its end."""

    text: str
    cut_at: int = 0  # where characters are missing
    missing: int = 0  # how many

    def moved(self, spans: Sequence[Sequence[int]]) -> list[list[int]]:
        """Where spans of the whole text are in this one. Those that are missing are left out."""
        if not self.missing:
            return [[int(start), int(end)] for start, end in spans]
        moved = [[self._moved(start), self._moved(end)] for start, end in spans]
        return [span for span in moved if span[0] < span[1]]

    def _moved(self, at: int) -> int:
        return at if at <= self.cut_at else max(self.cut_at, at - self.missing)


def shortened(text: str) -> Text:
    missing = len(text) - LONGEST
    if missing <= 0:
        return Text(text=text)
    return Text(text=text[:HEAD] + text[HEAD + missing :], cut_at=HEAD, missing=missing)
