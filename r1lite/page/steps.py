"""What the rollouts of a step come to, read from the ledger's narrow columns alone: one file at a time, each once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from r1lite.page.lenient import TAIL, ends_with, is_comparable

BROKEN = ("failed", "timed_out")
COLUMNS = ["step", "problem_id", "index", "answer", "response", "right", "finish"]
VERDICTS = "verdicts.list.element"
NUMBERS = ("first", "size", "right", "judged", "characters")  # of a Group


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """A group of rollouts in a file of the ledger."""

    problem: str
    first: int  # row
    size: int
    right: int
    judged: int  # rollouts on which no rule failed or timed out
    characters: int  # of all responses


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A file of the ledger."""

    step: int
    file: Path
    groups: tuple[Group, ...]
    rollouts: int
    strict: float | None  # share of the judged rollouts that are right
    lenient: float | None  # share of them that end with the right answer in any form; None if answers cannot be compared
    outcomes: dict[str, dict[str, float]] = field(default_factory=dict)  # rule -> outcome -> share, without `scored`

    def band(self) -> dict[str, float]:
        """Shares of the groups: all rollouts right, some, none, and without a verdict."""
        kinds = [kind_of(group) for group in self.groups]
        return {kind: kinds.count(kind) / len(kinds) for kind in ("right", "mixed", "wrong", "unjudged")} if kinds else {}


def kind_of(group: Group) -> str:
    if not group.judged:
        return "unjudged"
    return "right" if group.right == group.judged else "mixed" if group.right else "wrong"


class Steps:
    """Reads steps, and remembers those whose files have not changed, so that a growing run costs only its new files."""

    def __init__(self) -> None:
        self._read: dict[Path, tuple[tuple[int, int], Step]] = {}

    def read(self, files: list[Path], notes: list[str]) -> Iterator[Step]:
        for file in files:
            try:
                stat = file.stat()
                mark = (stat.st_mtime_ns, stat.st_size)
                if self._read.get(file, (None,))[0] != mark:
                    self._read[file] = (mark, read_step(file))
                yield self._read[file][1]
            except FileNotFoundError:  # a resumed run deletes steps that it repeats
                continue
            except (OSError, ValueError, KeyError) as error:  # what pyarrow raises for a file that was cut off, or holds other columns
                notes.append(f"{file.parent.parent.name}/rollouts/{file.name} cannot be read and is left out: {_first_line(error)}")


def read_step(file: Path) -> Step:
    import numpy as np
    import pyarrow.parquet as pq
    from pyarrow.compute import call_function

    parquet = pq.ParquetFile(file)
    table = parquet.read(columns=[*(c for c in COLUMNS if c in parquet.schema_arrow.names), f"{VERDICTS}.rule", f"{VERDICTS}.outcome"])
    count = table.num_rows
    index, right = table["index"].to_numpy(), table["right"].to_numpy(zero_copy_only=False).astype(bool)
    outcomes, judged = _outcomes(table["verdicts"].combine_chunks(), count)
    starts = np.flatnonzero(index == 0)
    starts = starts if len(starts) and starts[0] == 0 else np.concatenate(([0], starts)).astype(int)
    lengths = call_function("coalesce", [call_function("binary_length", [table["response"]]), 0]).to_numpy()
    problems = table["problem_id"].to_pylist()

    def totals(values: Any) -> Any:
        return np.add.reduceat(values.astype(int), starts) if count else []

    columns = zip(starts, np.diff(np.append(starts, count)), totals(right & judged), totals(judged), totals(lengths), strict=False)
    groups = [Group(problem=problems[row[0]], **dict(zip(NUMBERS, map(int, row), strict=True))) for row in columns]
    whole = int(judged.sum())
    return Step(
        step=table["step"][0].as_py() if count else 0,
        file=file,
        groups=tuple(groups if count else ()),
        rollouts=count,
        strict=float(right[judged].mean()) if whole else None,
        lenient=_lenient(table, judged, right) if whole else None,
        outcomes=outcomes,
    )


def _outcomes(verdicts: Any, count: int) -> tuple[dict[str, dict[str, float]], Any]:
    """Shares of outcomes that are not `scored`, by rule; and for each rollout whether no rule failed or timed out."""
    import numpy as np

    judged = np.ones(count, dtype=bool)
    flat, parents = verdicts.flatten(), verdicts.value_parent_indices().to_numpy()
    names = np.asarray(flat.field("rule").to_pylist(), dtype=object)
    kinds = np.asarray(flat.field("outcome").to_pylist(), dtype=object)
    judged[parents[np.isin(kinds, BROKEN)]] = False
    shares: dict[str, dict[str, float]] = {}
    for at in np.flatnonzero(kinds != "scored"):
        of_rule = shares.setdefault(str(names[at]), {})
        of_rule[str(kinds[at])] = of_rule.get(str(kinds[at]), 0.0) + 1 / count
    return shares, judged


def _lenient(table: Any, judged: Any, right: Any) -> float | None:
    import pyarrow as pa
    from pyarrow.compute import SliceOptions, call_function

    answers = table["answer"].to_pylist()
    if not all(map(is_comparable, answers)):
        return None
    tails = call_function("binary_slice", [table["response"].cast(pa.binary())], SliceOptions(-TAIL)).to_pylist()
    rows = zip(answers, tails, judged, right, strict=True)
    ends = [bool(r) or ends_with(tail.decode("utf-8", errors="replace"), answer) for answer, tail, j, r in rows if j]
    return sum(ends) / len(ends)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
