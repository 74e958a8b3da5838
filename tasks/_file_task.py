"""The base of tasks whose problems are rows of a file, a folder or a data set of the hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from r1lite.text.rows import Row
from r1lite.types import Problem
from tasks._source import RowLocation, Source


class FileTask:
    """A task implements `problem_of`, which makes a problem of a row, or raises BadRow."""

    name = ""

    def __init__(
        self, *, path: str, splits: Mapping[str, str] | None = None, config: str | None = None, bad_rows: str = "refuse", seed: int = 0
    ) -> None:
        self.seed = seed
        self.source = Source(self.name, self.problem_of, path=path, splits=splits, config=config, bad_rows=bad_rows)

    def problem_of(self, row: Row, where: RowLocation) -> Problem:
        raise NotImplementedError

    @property
    def notices(self) -> Sequence[str]:
        return self.source.notices

    def problems(self, split: str) -> Sequence[Problem]:
        return self.source.problems(split)
