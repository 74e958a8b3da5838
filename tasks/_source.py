"""Problems from a file, a folder or the hub: made from their rows when they are looked at, and split without overlap."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from os.path import basename
from pathlib import Path
from typing import Any, NamedTuple

from r1lite.registry import unknown
from r1lite.text.rows import BadRow, Given, Row, Rows, open_rows, told
from r1lite.types import Problem
from tasks._lazy import Lazy

ENDINGS = (".jsonl", ".json", ".csv", ".parquet")
SPLITS = ("train", "validation", "test")
HELD_OUT = 10  # percent of rows without splits of their own that become the test split, and half of it validation
BAD_ROWS = ("refuse", "skip")
SHOWN = 3  # bad rows that a notice names


class Place(NamedTuple):
    """Where a row stands, for messages and for the problem's id."""

    source: Path | str
    line: int

    @property
    def id(self) -> str:
        return f"{basename(str(self.source))}:{self.line}"  # a Path's own name takes as long as all else of a problem


Make = Callable[[Row, Place], Problem]  # raises BadRow where a row makes no problem


class RowProblems(Lazy):
    """The problems of chosen rows. Each is made when it is looked at: a million of them are a few megabytes of indices."""

    def __init__(self, rows: Rows, chosen: Sequence[int], make: Make, source: Path | str) -> None:
        self.rows, self.chosen, self.make, self.source = rows, chosen, make, source

    def __len__(self) -> int:
        return len(self.chosen)

    def make_at(self, index: int) -> Problem:
        line, row = self.rows[self.chosen[index]]
        return self.make(told(row), Place(self.source, line))


class Source:
    """Where a task's rows lie, and which of them belong to which split."""

    def __init__(
        self, task: str, make: Make, *, path: str, splits: Mapping[str, str] | None, config: str | None, bad_rows: str = "refuse"
    ) -> None:
        if not path:
            raise ValueError(f"task={task} needs task.path: a file, a folder, or a hub name (owner/name)")
        if bad_rows not in BAD_ROWS:
            raise ValueError(unknown("task.bad_rows", str(bad_rows), BAD_ROWS))
        self.make, self.path, self.config, self.bad_rows = make, path, config, bad_rows
        self.splits = dict(splits or {})
        self.notices: list[str] = []
        self._cut: dict[str, dict[str, RowProblems]] = {}  # of each part of the source, the problems of each split

    def problems(self, split: str) -> Sequence[Problem]:
        """The problems of a split, after every row of its file has been looked at once."""
        part, shared = self._part(split)
        if part not in self._cut:
            self._cut[part] = self._read(part, shared)
        found = self._cut[part].get(split, ())
        if not found:
            raise ValueError(
                f"the data set {self.path} has no problems in its {split} split. A file without splits is cut by the hash of each "
                f"prompt ({HELD_OUT} percent are test), so a small one may leave a split empty: give a folder with a file for each, "
                f"or name another split in evaluate.splits"
            )
        return found

    def _part(self, split: str) -> tuple[str, tuple[str, ...]]:
        """What of the source holds a split, and all splits that it has to be cut into."""
        source = Path(self.path).expanduser()
        if source.is_file() or (source.suffix in ENDINGS and not source.is_dir()):
            return str(source), SPLITS
        theirs = self.splits.get(split, split)
        part = str(_split_file(source, theirs)) if source.is_dir() else theirs
        return part, tuple(s for s in {*SPLITS, split} if self.splits.get(s, s) == theirs)

    def _read(self, part: str, shared: Sequence[str]) -> dict[str, RowProblems]:
        local = Path(self.path).expanduser().is_dir() or part == str(Path(self.path).expanduser())
        rows, source = (open_rows(Path(part)), Path(part)) if local else (_from_hub(self.path, self.config, part), self.path)
        chosen: dict[str, array[int]] = {split: array("q") for split in shared}
        bad: list[str] = []
        for index, (line, row) in enumerate(rows):
            try:
                problem = self.make(told(row), Place(source, line))
            except BadRow as error:
                if self.bad_rows == "refuse":
                    raise
                bad.append(str(error))
                continue
            split = shared[0] if len(shared) == 1 else split_of(problem.prompt)
            if split in chosen:
                chosen[split].append(index)
        cut = len(rows) - len(bad) - sum(map(len, chosen.values()))
        if cut:
            self.notices.append(
                f"{cut} of {len(rows)} rows of {source} are in no split: it serves {', '.join(sorted(shared))}, and is cut by the hash of "
                f"each prompt as if it held all of {', '.join(SPLITS)}"
            )
        if bad:
            said = "; ".join(bad[:SHOWN]) + ("; ..." if len(bad) > SHOWN else "")
            self.notices.append(f"{len(bad)} of {len(rows)} rows of {source} are left out: {said}")
        return {split: RowProblems(rows, own, self.make, source) for split, own in chosen.items()}


def split_of(prompt: object) -> str:
    """By the hash of the prompt: the same problem always falls in the same split, whatever else the file holds."""
    digest = hashlib.blake2b(repr(prompt).encode(), digest_size=8).digest()
    bucket = int.from_bytes(digest, "big") % 100
    return "test" if bucket < HELD_OUT else "validation" if bucket < HELD_OUT * 1.5 else "train"


def others(row: Row, *read: str) -> dict[str, Any]:
    """The columns that the problem itself does not hold: rules find them in `problem.info`."""
    return {name: value for name, value in row.items() if name not in read}


def _split_file(folder: Path, split: str) -> Path:
    found = [folder / f"{split}{ending}" for ending in ENDINGS if (folder / f"{split}{ending}").is_file()]
    if not found:
        raise ValueError(
            f"{folder} has no file for the split {split!r}: it should be called {split}.jsonl "
            f"(or .json, .csv, .parquet), or be named in task.splits"
        )
    return found[0]


class _Hub:
    """A data set of the hub, as it lies in the library's own files."""

    def __init__(self, rows: Any) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Given:
        return index + 1, self.rows[index]

    def __iter__(self) -> Iterator[Given]:
        return enumerate(self.rows, start=1)


def _from_hub(name: str, config: str | None, split: str) -> Rows:
    if name.count("/") != 1:
        raise ValueError(f"task.path={name!r} is no file, no folder and no hub name (owner/name)")
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise ValueError("data sets from the hub need the extra `data`: pip install 'r1lite[data]'") from error
    try:
        return _Hub(load_dataset(name, config, split=split))
    except Exception as error:  # the library has many: no such data set, split or configuration, no network
        raise ValueError(f"the data set {name} cannot be loaded: {type(error).__name__}: {str(error).splitlines()[0]}") from error
