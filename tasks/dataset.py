"""The user's own problems: a Hugging Face data set by its hub name, or a local jsonl, json, csv or parquet file.

    task=dataset task.path=problems.jsonl task.columns='{prompt: question, answer: label}'

Every column that is not the prompt or the answer reaches the rewards as `problem.info`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from r1lite.types import Problem
from tasks import task
from tasks._files import BadRow, Row, as_prompt, read_rows, require

HELD_OUT = 10  # percent of a file without splits of its own that becomes the test split, and half of it validation


@task("dataset")
class Dataset:
    """Problems from a file, a folder of files named after their splits, or the hub."""

    name = "dataset"

    def __init__(
        self,
        *,
        path: str,
        columns: Mapping[str, str] | None = None,
        splits: Mapping[str, str] | None = None,
        config: str | None = None,
        seed: int = 0,
    ) -> None:
        self.path, self.config, self.seed = path, config, seed
        self.columns, self.splits = dict(columns or {}), dict(splits or {})
        unknown = self.columns.keys() - {"prompt", "answer"}
        if unknown:
            raise ValueError(f"task.columns maps prompt and answer only, got {', '.join(sorted(unknown))}; other columns keep their names")
        if not path:
            raise ValueError("task=dataset needs task.path: a file, a folder, or a hub name (owner/name)")
        self._cache: dict[str, list[Problem]] = {}

    def problems(self, split: str) -> Sequence[Problem]:
        if split not in self._cache:
            self._cache[split] = self._read(split)
            if not self._cache[split]:
                raise ValueError(
                    f"the data set {self.path} has no problems in its {split} split. A file without splits is cut by the hash of each "
                    f"prompt ({HELD_OUT} percent are test), so a small one may leave a split empty: give a folder with a file for each, "
                    f"or name another split in evaluate.splits"
                )
        return self._cache[split]

    def _read(self, split: str) -> list[Problem]:
        source = Path(self.path).expanduser()
        if source.is_dir():
            return [
                self._problem(row, file, line)
                for file in [_split_file(source, self.splits.get(split, split))]
                for line, row in read_rows(file)
            ]
        if source.is_file() or source.suffix in (".jsonl", ".json", ".csv", ".parquet"):
            every = [self._problem(row, source, line) for line, row in read_rows(source)]
            return [p for p in every if _split_of(p) == split]
        rows = _from_hub(self.path, self.config, self.splits.get(split, split))
        return [self._problem(row, self.path, line) for line, row in rows]

    def _problem(self, row: Row, source: Path | str, line: int) -> Problem:
        asked, answered = self.columns.get("prompt", "prompt"), self.columns.get("answer", "answer")
        prompt = as_prompt(require(row, asked, source, line), source, line)
        if answered not in row and "answer" in self.columns:
            raise BadRow(f"{source}, line {line}: column {answered!r} (task.columns.answer) is missing; the row has {', '.join(row)}")
        answer = row.get(answered, row.get("solution"))
        info = {name: value for name, value in row.items() if name not in (asked, answered)}
        return Problem(id=f"{Path(str(source)).name}:{line}", prompt=prompt, answer=answer, info=info)


def _split_of(problem: Problem) -> str:
    """By the hash of the prompt: the same problem always falls in the same split, whatever else the file holds."""
    digest = hashlib.blake2b(repr(problem.prompt).encode(), digest_size=8).digest()
    bucket = int.from_bytes(digest, "big") % 100
    return "test" if bucket < HELD_OUT else "validation" if bucket < HELD_OUT * 1.5 else "train"


def _split_file(folder: Path, split: str) -> Path:
    found = [folder / f"{split}{ending}" for ending in (".jsonl", ".json", ".csv", ".parquet") if (folder / f"{split}{ending}").is_file()]
    if not found:
        raise ValueError(
            f"{folder} has no file for the split {split!r}: it should be called {split}.jsonl "
            f"(or .json, .csv, .parquet), or be named in task.splits"
        )
    return found[0]


def _from_hub(name: str, config: str | None, split: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if name.count("/") != 1:
        raise ValueError(f"task.path={name!r} is no file, no folder and no hub name (owner/name)")
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise ValueError("data sets from the hub need the extra `data`: pip install 'r1lite[data]'") from error
    try:
        rows = load_dataset(name, config, split=split)
    except Exception as error:  # the library has many: no such data set, split or configuration, no network
        raise ValueError(f"the data set {name} cannot be loaded: {type(error).__name__}: {str(error).splitlines()[0]}") from error
    yield from enumerate(rows, start=1)  # pyright: ignore
