"""Rows from jsonl, json, csv and parquet files. A bad row names its file and its line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from r1lite.types import Message

Row = Mapping[str, Any]


class BadRow(ValueError):
    """A row that cannot be used; the message says which and why."""


def read_rows(path: Path) -> list[tuple[int, Row]]:
    """All rows of a file, each with the line (in json and parquet: the row) it stands in."""
    readers = {".jsonl": _jsonl, ".json": _json, ".csv": _csv, ".parquet": _parquet}
    if path.suffix not in readers:
        raise ValueError(f"{path}: files end in {', '.join(readers)}")
    if not path.is_file():
        raise ValueError(f"{path} does not exist")
    rows = list(readers[path.suffix](path))
    if not rows:
        raise ValueError(f"{path} holds no rows")
    return rows


def require(row: Row, column: str, path: Path | str, line: int) -> Any:
    if row.get(column) in (None, ""):
        raise BadRow(f"{path}, line {line}: column {column!r} is missing or empty; the row has {', '.join(row) or 'no columns'}")
    return row[column]


def as_prompt(value: Any, path: Path | str, line: int) -> str | tuple[Message, ...]:
    """Text, or chat messages that end with the user's."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(map(_is_message, value)) and value[-1]["role"] == "user":
        return tuple({"role": m["role"], "content": m["content"]} for m in value)
    raise BadRow(
        f'{path}, line {line}: a prompt is text, or a list of {{"role": ..., "content": ...}} that ends with the user\'s; got {value!r:.80}'
    )


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("role"), str) and isinstance(value.get("content"), str)


def _jsonl(path: Path) -> Iterator[tuple[int, Row]]:
    with path.open("rb") as file:
        for line, text in enumerate(file, start=1):
            if text.strip():
                yield line, _object(_parse(text, path, line), path, line)


def _json(path: Path) -> Iterator[tuple[int, Row]]:
    rows = _parse(path.read_bytes(), path, 1)
    if not isinstance(rows, list):
        raise BadRow(f"{path}: a .json file is one list of objects; for one object a line, name it .jsonl")
    for number, row in enumerate(rows, start=1):
        yield number, _object(row, path, number)


def _csv(path: Path) -> Iterator[tuple[int, Row]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        try:
            for row in reader:
                if None in row or None in row.values():
                    raise BadRow(f"{path}, line {reader.line_num}: the row has not as many cells as the header")
                yield reader.line_num, row
        except (csv.Error, UnicodeDecodeError) as error:
            raise BadRow(f"{path}, after line {reader.line_num}: this is not CSV in UTF-8 ({error})") from error


def _parquet(path: Path) -> Iterator[tuple[int, Row]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(path).to_pylist()
    except pa.ArrowInvalid as error:
        raise BadRow(f"{path}: this is not Parquet ({error})") from error
    yield from enumerate(rows, start=1)


def _parse(text: bytes, path: Path, line: int) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        line += getattr(error, "lineno", 1) - 1  # within the text, which may have several lines
        raise BadRow(f"{path}, line {line}: this is not JSON ({getattr(error, 'msg', error)})") from error


def _object(row: Any, path: Path, line: int) -> Row:
    if not isinstance(row, dict):
        raise BadRow(f"{path}, line {line}: a row is an object with named columns, got {row!r:.60}")
    return row
