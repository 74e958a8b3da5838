"""Several tasks at once, by weight. Each problem keeps the rewards of its task: a rule with `tasks` abstains on other parts.

    task=mixture task.parts='{arithmetic: {weight: 2}, hard: {name: countdown, difficulty: hard}}'

A part is a task with its options: `name` is the task if the part has another name, `weight` is 1 by default. The rewards of a
part are those of conf/reward/<its task>.yaml, or its own `rewards`.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

from r1lite.types import Problem, Response, Task
from tasks import task, tasks
from tasks._lazy import Lazy


@task("mixture")
class Mixture:
    """The part of a problem is in `problem.info["task"]`."""

    name = "mixture"

    def __init__(self, *, parts: Mapping[str, Mapping[str, Any] | None], seed: int | str = 0) -> None:
        if not isinstance(parts, Mapping) or not parts:
            raise ValueError(
                f"task.parts maps tasks to their options, such as {{arithmetic: {{weight: 2}}, countdown: {{}}}}; got {parts!r}"
            )
        self.seed = seed
        self.weights = {label: _weight(label, (options or {}).get("weight", 1.0)) for label, options in parts.items()}
        self.parts: dict[str, Task] = {label: _make_part(label, options or {}, seed) for label, options in parts.items()}
        if all(hasattr(part, "demonstration") for part in self.parts.values()):
            self.demonstration = self._demonstration

    @property
    def notices(self) -> list[str]:
        return [f"{label}: {notice}" for label, part in self.parts.items() for notice in getattr(part, "notices", ())]

    def problems(self, split: str) -> Sequence[Problem]:
        problems = {label: part.problems(split) for label, part in self.parts.items()}
        return Mixed(problems, shares(self.weights, {label: len(p) for label, p in problems.items()}, repeat=split == "train"))

    def _demonstration(self, problem: Problem) -> Response:
        return self.parts[problem.info["task"]].demonstration(problem)  # pyright: ignore[reportAttributeAccessIssue]


class Mixed(Lazy):
    """`counts` problems of each part, repeated if a part has fewer. The first problems are one of each part."""

    def __init__(self, parts: Mapping[str, Sequence[Problem]], counts: Mapping[str, int]) -> None:
        self.labels, self.parts, self.counts = list(counts), parts, counts
        self._ends = list(accumulate(count - 1 for count in counts.values()))  # without the first of each

    def __len__(self) -> int:
        return sum(self.counts.values())

    def make_at(self, index: int) -> Problem:
        label, place = self._place(index)
        own = self.parts[label]
        problem = own[place % len(own)]
        return replace(problem, id=f"{label}:{problem.id}", info={**problem.info, "task": label})

    def _place(self, index: int) -> tuple[str, int]:
        if index < len(self.labels):
            return self.labels[index], 0
        index -= len(self.labels)
        part = bisect_right(self._ends, index)
        return self.labels[part], index - (self._ends[part - 1] if part else 0) + 1


def shares(weights: Mapping[str, float], lengths: Mapping[str, int], *, repeat: bool) -> dict[str, int]:
    """The number of problems of each part: with `repeat` each problem occurs at least once, without it at most once."""
    whole = (max if repeat else min)(lengths[label] / weight for label, weight in weights.items())
    # 1e-9 makes up for rounding errors of floats.
    return {label: max(1, math.ceil(whole * w - 1e-9) if repeat else math.floor(whole * w + 1e-9)) for label, w in weights.items()}


def _weight(label: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ValueError(f"task.parts.{label}.weight must be a number above 0, got {value!r}")
    return float(value)


def _make_part(label: str, options: Mapping[str, Any], seed: int | str) -> Task:
    options = {key: value for key, value in options.items() if key not in ("weight", "rewards")}
    name = str(options.pop("name", label))
    if name == "mixture":
        raise ValueError(f"task.parts.{label} is a mixture itself: list its parts here")
    try:
        return tasks[name](**tasks.bind(name, {"seed": seed, **options}))
    except ValueError as error:
        raise ValueError(f"task.parts.{label}: {error}") from error
