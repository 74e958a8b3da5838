"""Reads a run directory from Python: metrics, rollouts, models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from r1lite.registry import unknown
from r1lite.store.files import from_here

if TYPE_CHECKING:
    from pandas import DataFrame
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class RunReader:
    """A run, finished or in progress. Everything is read on access."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).expanduser().resolve()
        if not (self.folder / "config.yaml").is_file():
            raise ValueError(f"{folder} is not a run directory: it has no config.yaml")

    def __repr__(self) -> str:
        return f"RunReader({from_here(self.folder)!r}, {self._summary().get('status', 'no stage finished')})"

    def __fspath__(self) -> str:
        return str(self.folder)

    @property
    def summary(self) -> dict[str, Any]:
        """summary.json: the duration, weights and scores of each stage."""
        found = self._summary()
        if not found:
            raise ValueError(f"{self.folder} has not finished a stage yet")
        return found

    @property
    def config(self) -> dict[str, Any]:
        """config.yaml: all settings of the run."""
        from r1lite.store.config_file import read_config

        return read_config(self.folder)

    def metrics(self, stage: str = "") -> DataFrame:
        """metrics.jsonl, one row per step, of one stage or of all. A pyarrow Table if pandas is not installed."""
        from r1lite.store.metrics import read_metrics

        rows = [row for row in read_metrics(self.folder / "metrics.jsonl") if stage in ("", row["stage"])]
        if not rows:
            raise self._nothing("metrics", stage)
        return _frame(_columns(rows))

    def rollouts(self, stage: str = "", columns: Sequence[str] | None = None) -> DataFrame:
        """The rollouts of all steps, with their verdicts, of one stage or of all. A pyarrow Table if pandas is not installed."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        files = sorted(self.folder.glob(f"{stage or '*'}/rollouts/step-*.parquet"))
        if not files:
            raise self._nothing("rollouts", stage)
        known = pq.read_schema(files[0]).names
        for column in columns or ():
            if column not in known:
                raise ValueError(unknown("column", column, known))
        return _frame(pa.concat_tables([pq.read_table(file, columns=columns and list(columns)) for file in files]))

    def model(self, stage: str = "", *, dtype: str = "") -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        """Model and tokenizer of the last stage, or of the named one, loaded by transformers on the CPU."""
        from r1lite.commands.export import find, load

        if stage and not (self.folder / stage / "final").is_dir():
            raise self._nothing("model", stage)
        return load(find(str(self.folder / stage)), dtype)

    def _summary(self) -> dict[str, Any]:
        from r1lite.store.files import read_json

        path = self.folder / "summary.json"
        return read_json(path) if path.is_file() else {}

    def _nothing(self, what: str, stage: str) -> ValueError:
        begun = ", ".join(sorted(mark.parent.name for mark in self.folder.glob("*/begun.json"))) or "none"
        return ValueError(f"{self.folder} contains no {what}{f' of stage {stage!r}' if stage else ''}; stages that have begun: {begun}")


def open_run(folder: str | Path) -> RunReader:
    """Open a run directory for reading."""
    return RunReader(folder)


def _columns(rows: Sequence[Mapping[str, Any]]) -> Any:
    """The metrics as columns. Stages log different metrics, so some values are None."""
    import pyarrow as pa

    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: [row.get(name) for row in rows] for name in names})


def _frame(table: Any) -> Any:
    try:
        import pandas  # noqa: F401
    except ImportError:
        return table
    return table.to_pandas()
