"""Rows of jsonl, json, csv and parquet files. Errors name the file and the line."""

from __future__ import annotations

import csv
import json
from array import array
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from r1lite.types import Message

Row = Mapping[str, Any]


class BadRow(ValueError):
    """A row that cannot be used; the message names the row and the reason."""


NumberedRow = tuple[int, Row | BadRow]  # the line, with its row or the reason why it cannot be read
CHUNK = 10_000  # rows of a table that are converted to Python at once


class Rows(Protocol):
    """The rows of one source, in order."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> NumberedRow: ...

    def __iter__(self) -> Iterator[NumberedRow]: ...


def read_rows(path: Path) -> list[tuple[int, Row]]:
    """All rows of a file, each with its line number (for json and parquet its row number)."""
    return [(line, usable(row)) for line, row in open_rows(path)]


def open_rows(path: Path) -> Rows:
    """The rows of a file; jsonl and parquet are parsed row by row, on access."""
    kinds: dict[str, Callable[[Path], Rows]] = {".jsonl": Lines, ".json": _json, ".csv": _csv, ".parquet": _parquet}
    if path.suffix not in kinds:
        raise ValueError(f"{path}: a file of rows ends in {', '.join(kinds)}")
    if not path.is_file():
        raise ValueError(f"{path} does not exist")
    rows = kinds[path.suffix](path)
    if not len(rows):
        raise ValueError(f"{path} holds no rows")
    return rows


def usable(row: Row | BadRow) -> Row:
    """The row; raises if it is a BadRow."""
    if isinstance(row, BadRow):
        raise row
    return row


def require(row: Row, column: str, path: Path | str, line: int) -> Any:
    if row.get(column) in (None, ""):
        raise BadRow(f"{path}, line {line}: column {column!r} is missing or empty; the row has {', '.join(row) or 'no columns'}")
    return row[column]


def as_prompt(value: Any, path: Path | str, line: int) -> str | tuple[Message, ...]:
    """Text, or chat messages of which the last is the user's."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(map(_is_message, value)) and value[-1]["role"] == "user":
        return tuple({"role": m["role"], "content": m["content"]} for m in value)
    raise BadRow(
        f'{path}, line {line}: a prompt is text, or a list of {{"role": ..., "content": ...}} whose last role is user; got {value!r:.80}'
    )


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("role"), str) and isinstance(value.get("content"), str)


class Lines:
    """A jsonl file: only the offset of each line is kept, and a line is parsed on access."""

    def __init__(self, path: Path) -> None:
        self.path, self._starts, self._numbers = path, array("q"), array("q")
        at = 0
        with path.open("rb") as file:
            for number, text in enumerate(file, start=1):
                if text.strip():
                    self._starts.append(at)
                    self._numbers.append(number)
                at += len(text)
        self._file = path.open("rb")

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, index: int) -> NumberedRow:
        self._file.seek(self._starts[index])
        return self._parsed(self._numbers[index], self._file.readline())

    def __iter__(self) -> Iterator[NumberedRow]:
        with self.path.open("rb") as file:  # not self._file, which single accesses in between would move
            for number, text in enumerate(file, start=1):
                if text.strip():
                    yield self._parsed(number, text)

    def _parsed(self, number: int, text: bytes) -> NumberedRow:
        try:
            return number, _object(_parse(text, self.path, number), self.path, number)
        except BadRow as bad:
            return number, bad


def _json(path: Path) -> list[NumberedRow]:
    rows = _parse(path.read_bytes(), path, 1)
    if not isinstance(rows, list):
        raise BadRow(f"{path}: a .json file holds one list of objects; a file with one object per line is named .jsonl")
    return [(number, row if isinstance(row, dict) else _not_an_object(row, path, number)) for number, row in enumerate(rows, start=1)]


def _csv(path: Path) -> list[NumberedRow]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        rows: list[NumberedRow] = []
        try:
            for row in reader:
                complete = None not in row and None not in row.values()
                line = reader.line_num
                rows.append((line, row if complete else BadRow(f"{path}, line {line}: the row has more or fewer cells than the header")))
        except (csv.Error, UnicodeDecodeError) as error:
            raise BadRow(f"{path}, after line {reader.line_num}: this is not CSV in UTF-8 ({error})") from error
        return rows


def _parquet(path: Path) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return Table(pq.read_table(path))
    except (pa.ArrowException, OSError) as error:
        raise BadRow(f"{path}: this is not Parquet ({error})") from error


class Table:
    """Columns in Arrow's memory; a row is converted to Python on access."""

    def __init__(self, table: Any) -> None:
        self.table = table

    def __len__(self) -> int:
        return self.table.num_rows

    def __getitem__(self, index: int) -> NumberedRow:
        return index + 1, self.table.slice(index, 1).to_pylist()[0]

    def __iter__(self) -> Iterator[NumberedRow]:
        names, line = self.table.column_names, 0
        for batch in self.table.to_batches(max_chunksize=CHUNK):
            for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                line += 1
                yield line, dict(zip(names, cells, strict=True))


def _parse(text: bytes, path: Path, line: int) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        line += getattr(error, "lineno", 1) - 1  # the text may have several lines
        raise BadRow(f"{path}, line {line}: this is not JSON ({getattr(error, 'msg', error)})") from error


def _object(row: Any, path: Path, line: int) -> Row:
    if not isinstance(row, dict):
        raise _not_an_object(row, path, line)
    return row


def _not_an_object(row: Any, path: Path, line: int) -> BadRow:
    return BadRow(f"{path}, line {line}: a row is an object with a name for each column, got {row!r:.60}")
