"""Problems of the package reasoning-gym (an extra): a hundred generators of puzzles, arithmetic and logic, mixed by weight.

    task=reasoning_gym task.names='[chain_sum, gcd]' task.weights='{gcd: 2.0}' task.level=1

`level` sets the level of each data set's own curriculum, `options` its own settings. Data sets whose answers or scorers cannot
be trusted are refused with the reason (tasks/_gym_refused.py); `[all]` selects all others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from random import Random
from typing import Any

from r1lite.registry import unknown
from r1lite.types import Problem
from tasks import task
from tasks._generated import BUCKETS, GeneratedProblems, bucket
from tasks._gym_refused import REFUSED

INDICES = 100_000  # the size of each data set; every index is a problem
FEWER = {"acre": 500, "word_ladder": 20_000}  # data sets that make all problems at once, or limit their number
# Data sets without duplicates whose problems are slow to make: the index decides the split, before the problem is made.
VAST = {"futoshiki", "intermediate_integration", "knight_swap", "puzzle24", "rubiks_cube", "sokoban", "sudoku", "zebra_puzzles"}
# Data sets that have the answer only in the metadata.
IN_METADATA = {
    "graph_color": lambda metadata: json.dumps(metadata["possible_answer"]),
    "rubiks_cube": lambda metadata: metadata["example_correct_answer"],
}


@task("reasoning_gym")
class ReasoningGym:
    """Each problem carries what its data set's scorer needs, for the rule `reasoning_gym`."""

    name = "reasoning_gym"

    def __init__(
        self,
        *,
        names: Sequence[str],
        weights: Mapping[str, float] | None = None,
        level: int | None = None,
        options: Mapping[str, Mapping[str, Any]] | None = None,
        size: int = 100_000,
        seed: int | str = 0,
    ) -> None:
        self.names = _chosen(names)
        self.weights = [_weight(name, (weights or {}).get(name, 1.0)) for name in self.names]
        for name in {*(weights or {}), *(options or {})}:
            if name not in self.names:
                raise ValueError(unknown("data set in task.weights or task.options:", name, self.names))
        self.seed, self.size = seed, size
        self.sets = {name: _make_set(name, level, dict((options or {}).get(name, {})), self.seed) for name in self.names}
        self.configs = {name: _settings(made.config) for name, made in self.sets.items()}

    def problems(self, split: str) -> Sequence[Problem]:
        return GeneratedProblems(lambda random: self._make(random, split), seed=self.seed, split=split, size=self.size, key=_key)

    def _make(self, random: Random, split: str) -> Problem:
        if split not in BUCKETS:
            raise ValueError(f"reasoning_gym has no {split} split: set evaluate.splits=[test], and task.level for harder problems")
        (name,) = random.choices(self.names, self.weights)
        while True:
            index = random.randrange(FEWER.get(name, INDICES))
            if name in VAST and bucket(_id(name, index)) not in BUCKETS[split]:
                continue
            item = self.sets[name][index]
            answer = IN_METADATA[name](item["metadata"]) if name in IN_METADATA else item["answer"]
            if answer is not None and str(answer).strip():  # an empty answer cannot be distinguished from no answer
                break
        entry = {"question": item["question"], "answer": answer, "metadata": item["metadata"]}
        info = {"dataset": name, "options": self.configs[name], "entry": entry}
        return Problem(id=_id(name, index), prompt=item["question"], answer=str(answer), info=info)


def _id(name: str, index: int) -> str:
    return f"reasoning_gym/{name}/{index}"


def _key(problem: Problem) -> str:
    """What decides the split: the prompt, unless indices are known to be different problems."""
    return problem.id if problem.info["dataset"] in VAST else str(problem.prompt)


def _chosen(names: Sequence[str]) -> list[str]:
    known = _package().DATASETS
    if isinstance(names, str) or not names:
        raise ValueError(f"task.names is a list of reasoning_gym's data sets, such as [chain_sum, gcd], or [all]; got {names!r}")
    if list(names) == ["all"]:
        return sorted(known.keys() - REFUSED.keys())
    for name in names:
        if name not in known:
            raise ValueError(unknown("data set of reasoning_gym", name, known.keys() - REFUSED.keys()))
        if name in REFUSED:
            raise ValueError(f"reasoning_gym's data set {name!r} is refused: {REFUSED[name]}")
    if len(set(names)) < len(names):
        raise ValueError(f"task.names has a duplicate: {list(names)}; to have one more often, set task.weights")
    return list(names)


def _weight(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ValueError(f"task.weights.{name} must be a number above 0, got {value!r}")
    return float(value)


def _make_set(name: str, level: int | None, options: dict[str, Any], seed: int | str) -> Any:
    factory = _package()
    # The package seeds a problem with seed + index, so that runs with close seeds would share most problems.
    options |= {"seed": Random(f"{seed}/{name}").getrandbits(30), "size": FEWER.get(name, INDICES)}
    try:
        if level is None or name not in factory.CURRICULA:
            return factory.create_dataset(name, **options)
        curriculum = factory.create_curriculum(name)
        for attribute in curriculum.attributes.values():
            curriculum.set_attr_level(attribute.name, min(level, len(attribute.levels) - 1))
        return factory.create_dataset(name, **{**_settings(curriculum.generate_configuration()), **options})
    except (TypeError, ValueError, AssertionError) as error:  # the package's own checks of its settings
        raise ValueError(f"task.options.{name} or task.level={level}: reasoning_gym refuses them: {error}") from error


def _settings(config: Any) -> dict[str, Any]:
    return {field.name: getattr(config, field.name) for field in fields(config) if field.name not in ("seed", "size")}


def _package() -> Any:
    try:
        from reasoning_gym import factory
    except ImportError as error:
        raise ValueError("task=reasoning_gym needs the extra `reasoning`: pip install 'r1lite[reasoning]'") from error
    return factory
