"""Problems from a file, a folder or the hub: made from rows on access, in splits that cannot overlap."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from os.path import basename
from pathlib import Path
from typing import Any, NamedTuple

from r1lite.registry import unknown
from r1lite.text.rows import BadRow, NumberedRow, Row, Rows, open_rows, usable
from r1lite.types import Problem
from tasks._lazy import Lazy

ENDINGS = (".jsonl", ".json", ".csv", ".parquet")
SPLITS = ("train", "validation", "test")
HELD_OUT = 10  # percent of a file without splits that become the test split; half of that becomes validation
BAD_ROWS = ("refuse", "skip")
MAX_SHOWN = 3  # bad rows named in a notice


class RowLocation(NamedTuple):
    """The position of a row, for messages and for the problem's id."""

    source: Path | str
    line: int

    @property
    def id(self) -> str:
        return f"{basename(str(self.source))}:{self.line}"  # Path.name takes as long as the rest of making a problem


Make = Callable[[Row, RowLocation], Problem]  # raises BadRow if the row makes no problem


class RowProblems(Lazy):
    """The problems of some rows, made on access: a million of them take a few megabytes of indices."""

    def __init__(self, rows: Rows, chosen: Sequence[int], make: Make, source: Path | str) -> None:
        self.rows, self.chosen, self.make, self.source = rows, chosen, make, source

    def __len__(self) -> int:
        return len(self.chosen)

    def make_at(self, index: int) -> Problem:
        line, row = self.rows[self.chosen[index]]
        return self.make(usable(row), RowLocation(self.source, line))


class Source:
    """A task's rows, and the split of each."""

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
        self._cut: dict[str, dict[str, RowProblems]] = {}  # part of the source -> split -> its problems

    def problems(self, split: str) -> Sequence[Problem]:
        """The problems of a split. The first access checks every row of its file."""
        part, shared = self._part(split)
        if part not in self._cut:
            self._cut[part] = self._read(part, shared)
        problems = self._cut[part].get(split, ())
        if not problems:
            raise ValueError(
                f"the data set {self.path} has no problems in its {split} split. A file without splits is split by the hash of each "
                f"prompt ({HELD_OUT} percent are test), so a split of a small file may be empty: use a folder with one file per split "
                f"(in Python task={{'train': rows, 'test': rows}}), or set evaluate.splits"
            )
        return problems

    def _part(self, split: str) -> tuple[str, tuple[str, ...]]:
        """The part of the source that holds a split, and all splits that this part is cut into."""
        source = Path(self.path).expanduser()
        if source.is_file() or (source.suffix in ENDINGS and not source.is_dir()):
            return str(source), SPLITS
        name = self.splits.get(split, split)
        part = str(_split_file(source, name)) if source.is_dir() else name
        return part, tuple(s for s in {*SPLITS, split} if self.splits.get(s, s) == name)

    def _read(self, part: str, shared: Sequence[str]) -> dict[str, RowProblems]:
        local = Path(self.path).expanduser().is_dir() or part == str(Path(self.path).expanduser())
        rows, source = (open_rows(Path(part)), Path(part)) if local else (_from_hub(self.path, self.config, part), self.path)
        chosen: dict[str, array[int]] = {split: array("q") for split in shared}
        bad: list[str] = []
        for index, (line, row) in enumerate(rows):
            try:
                problem = self.make(usable(row), RowLocation(source, line))
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
                f"{cut} of {len(rows)} rows of {source} are in no split: it is used for {', '.join(sorted(shared))}, but is split by the "
                f"hash of each prompt as if it held {', '.join(SPLITS)}"
            )
        if bad:
            reasons = "; ".join(bad[:MAX_SHOWN]) + ("; ..." if len(bad) > MAX_SHOWN else "")
            self.notices.append(f"{len(bad)} of {len(rows)} rows of {source} are left out: {reasons}")
        return {split: RowProblems(rows, own, self.make, source) for split, own in chosen.items()}


def split_of(prompt: object) -> str:
    """The split of a prompt, by its hash: the same problem is always in the same split, whatever else the file holds."""
    digest = hashlib.blake2b(repr(prompt).encode(), digest_size=8).digest()
    bucket = int.from_bytes(digest, "big") % 100
    return "test" if bucket < HELD_OUT else "validation" if bucket < HELD_OUT * 1.5 else "train"


def others(row: Row, *read: str) -> dict[str, Any]:
    """All columns except those already read; rules find them in `problem.info`."""
    return {name: value for name, value in row.items() if name not in read}


def _split_file(folder: Path, split: str) -> Path:
    files = [folder / f"{split}{ending}" for ending in ENDINGS if (folder / f"{split}{ending}").is_file()]
    if not files:
        raise ValueError(
            f"{folder} has no file for the split {split!r}: name it {split}.jsonl (or .json, .csv, .parquet), or set task.splits"
        )
    return files[0]


class _Hub:
    """A data set of the hub, in the library's own files."""

    def __init__(self, rows: Any) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> NumberedRow:
        return index + 1, self.rows[index]

    def __iter__(self) -> Iterator[NumberedRow]:
        return enumerate(self.rows, start=1)


def _from_hub(name: str, config: str | None, split: str) -> Rows:
    if name.count("/") != 1:
        raise ValueError(f"task.path={name!r} is neither a file nor a folder nor a hub name (owner/name)")
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise ValueError("data sets from the hub need the extra `data`: pip install 'r1lite[data]'") from error
    try:
        return _Hub(load_dataset(name, config, split=split))
    except Exception as error:  # the library has many error types: unknown data set, split or configuration, no network
        raise ValueError(f"the data set {name} cannot be loaded: {type(error).__name__}: {str(error).splitlines()[0]}") from error
