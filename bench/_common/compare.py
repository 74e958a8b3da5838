"""Compare the results of two run directories to the bit, and name the first difference.

Covered: metrics.jsonl without seconds, rollouts row by row, data.jsonl, every tensor of the final weights, and summary.json without
seconds and paths of weights. Not covered: the wording of verdicts' reasons; the configuration, model cards and tokenizers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch
from safetensors.torch import load_file

RESULTS = ("metrics.jsonl", "*/rollouts/*.parquet", "*/data.jsonl", "*/final/*.safetensors", "summary.json")
# Keys of metrics, summary (the base model's path lies in its checkout) and verdicts.
NOT_COMPARED = ("seconds", "weights", "why")
ABSENT = object()


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    files: int  # number of result files in either run
    difference: str | None  # the first one, with both values; None if everything is equal
    missing: frozenset[str] = frozenset()  # columns of rollouts that only one side has


def compare_runs(old: Path, new: Path) -> Comparison:
    missing: set[str] = set()
    names = result_files(old, new)
    differences = ((name, file_difference(old / name, new / name, missing)) for name in names)
    first = next((f"{name}: {difference}" for name, difference in differences if difference), None)
    return Comparison(files=len(names), difference=first, missing=frozenset(missing))


def result_files(old: Path, new: Path) -> list[str]:
    """Relative paths of the result files in either run; the summary, if there are none."""
    by_kind = [sorted({str(path.relative_to(run)) for run in (old, new) for path in run.glob(pattern)}) for pattern in RESULTS]
    return [name for names in by_kind for name in names] or ["summary.json"]


def file_difference(old: Path, new: Path, missing: set[str]) -> str | None:
    """The first difference of two files of one kind. Columns that only one side has are added to `missing`."""
    if not old.exists() or not new.exists():
        return f"only in {'OLD' if old.exists() else 'NEW'}" if old.exists() or new.exists() else "in neither"
    match old.suffix:
        case ".safetensors":
            return tensor_difference(load_file(old), load_file(new))
        case ".parquet":
            return row_difference(pq.read_table(old), pq.read_table(new), missing)
        case ".jsonl":
            return first_difference(read_lines(old), read_lines(new))
        case _:
            return first_difference(read_summary(old), read_summary(new))


def first_difference(old: Any, new: Any, where: str = "") -> str | None:
    """The first difference of two trees of plain values. `repr` distinguishes all floats, and treats NaN as equal to itself."""
    if old is ABSENT or new is ABSENT:
        return f"{where} only in {'NEW' if old is ABSENT else 'OLD'}: {shown(new if old is ABSENT else old)}"
    if repr(old) == repr(new):
        return None
    if isinstance(old, dict) and isinstance(new, dict):
        pairs = [(str(key), old.get(key, ABSENT), new.get(key, ABSENT)) for key in old | new]
    elif isinstance(old, list) and isinstance(new, list):
        pairs = [(f"[{at}]", *pair) for at, pair in enumerate(zip_longest(old, new, fillvalue=ABSENT))]
    else:
        return f"{where} {shown(old)} in OLD, {shown(new)} in NEW"
    return next(filter(None, (first_difference(a, b, f"{where} {name}".strip()) for name, a, b in pairs)), None)


def row_difference(old: Any, new: Any, missing: set[str]) -> str | None:
    """The first difference of two Arrow tables, in the columns that both have."""
    missing |= {f"{name} only in OLD" for name in {*old.column_names} - {*new.column_names}}
    missing |= {f"{name} only in NEW" for name in {*new.column_names} - {*old.column_names}}
    shared = [name for name in old.column_names if name in new.column_names]
    return first_difference(comparable(old.select(shared).to_pylist()), comparable(new.select(shared).to_pylist()), "row")


def tensor_difference(old: Mapping[str, torch.Tensor], new: Mapping[str, torch.Tensor]) -> str | None:
    for name in sorted({*old, *new}):
        if name not in old or name not in new:
            return f"{name} only in {'OLD' if name in old else 'NEW'}"
        a, b = old[name], new[name]
        if (a.dtype, a.shape) != (b.dtype, b.shape):
            return f"{name} {a.dtype} {list(a.shape)} in OLD, {b.dtype} {list(b.shape)} in NEW"
        unequal = (bits(a) != bits(b)).any(-1).nonzero().flatten().tolist()
        if unequal:
            values = [t.flatten()[unequal[0]].item() for t in (a, b)]
            return f"{name}[{unequal[0]}] {values[0]!r} in OLD, {values[1]!r} in NEW ({len(unequal):,} of {a.numel():,} elements differ)"
    return None


def bits(tensor: torch.Tensor) -> torch.Tensor:
    """Shape [elements, bytes]. As bits, 0.0 and -0.0 differ, and NaN equals itself."""
    return tensor.flatten().view(torch.uint8).view(tensor.numel(), -1)


def read_summary(path: Path) -> Any:
    return comparable(json.loads(path.read_text(encoding="utf-8")))


def read_lines(path: Path) -> list[Any] | dict[str, Any]:
    """The rows of a data set; for metrics, a dict keyed by line, stage and step."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if path.name != "metrics.jsonl":
        return rows
    return {f"line {at}, {row['stage']} step {row['step']}:": comparable(row) for at, row in enumerate(rows, 1)}


def comparable(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: comparable(value) for key, value in tree.items() if key.split("/")[0] not in NOT_COMPARED}
    return [comparable(value) for value in tree] if isinstance(tree, list) else tree


def shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
