"""Inputs that Python passes to a run as objects: rows of problems, functions. The run stores them, and resumes only with the same."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from r1lite.store.files import atomic, make_folder
from tasks import ENDINGS

Row = Mapping[str, Any]
Rows = Sequence[Row]
Task = str | Rows | Mapping[str, Rows] | Mapping[str, Any]  # a task's name; rows; rows of each split; or the task's options
Files = Mapping[str, str]  # path inside the run directory -> content


def rows_of(task: Task | None) -> Files:
    """Rows as jsonl files: `task.jsonl`, or a file for each split in `task/`. No files if the task is given by name or options."""
    if isinstance(task, Mapping):
        splits = {name: rows for name, rows in task.items() if _are_rows(rows)}
        if splits and len(splits) < len(task):
            raise ValueError(f"task has rows for {', '.join(splits)} but not for {', '.join(task.keys() - splits.keys())}")
        return {f"task/{name}.jsonl": _as_lines(rows, f"task[{name!r}]") for name, rows in splits.items()}
    if isinstance(task, PathLike) or (isinstance(task, str) and Path(task).suffix in ENDINGS):
        raise ValueError(f'task={str(task)!r} is a file: write "task=dataset", "task.path={task}"')
    if task is None or isinstance(task, str):
        return {}
    return {"task.jsonl": _as_lines(task, "task")}


def path_of(files: Files) -> str:
    """The value of task.path for these files, inside the run directory."""
    return next(iter(files)).partition("/")[0]


def _are_rows(value: Any) -> bool:
    return isinstance(value, Sequence) and len(value) > 0 and all(isinstance(row, Mapping) for row in value)


def _as_lines(rows: Any, name: str) -> str:
    if not isinstance(rows, Iterable):
        raise ValueError(f"{name} should be a list of dicts, one per problem; got {rows!r:.60}")
    if hasattr(rows, "to_dict"):
        raise ValueError(f"{name} should be a list of dicts, one per problem; for a DataFrame, pass frame.to_dict('records')")
    lines = []
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise ValueError(f"{name} should be a list of dicts, one per problem; {name}[{number}] is {row!r:.60}")
        try:
            lines.append(json.dumps(dict(row), ensure_ascii=False) + "\n")
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name}[{number}] cannot be written as JSON: {error}") from error
    if not lines:
        raise ValueError(f"{name} is empty: give at least one row")
    return "".join(lines)


def keep(folder: Path, files: Files) -> None:
    """Write the files into the run directory. ValueError if the run was started with others."""
    make_folder(folder)
    begun = (folder / "config.yaml").is_file()
    for name, text in files.items():
        path = folder / name
        stored = path.read_text(encoding="utf-8") if path.is_file() else None
        if stored == text:
            continue
        if begun and stored is not None:
            what = f"reward {path.stem!r}" if name.startswith("rewards/") else "task"
            raise ValueError(
                f"{what} changed since {folder} was started; the earlier version is in {path}. "
                f"Choose another run_dir, or undo the change to resume."
            )
        with atomic(path) as part:
            part.write_text(text, encoding="utf-8")
