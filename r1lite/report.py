"""What comes out of a run: summary.json, and the table at the end."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from r1lite.console import say, show_table
from r1lite.evaluate import evaluate
from r1lite.files import read_json, write_json
from r1lite.run import Run


class Report:
    """Grows with every stage, and is on disk after each."""

    def __init__(self, run: Run) -> None:
        self.run, self.begun = run, time.perf_counter()
        self.entries: list[dict[str, Any]] = []

    def add(self, name: str, weights: str, *, seconds: float, unchanged: bool = False) -> None:
        entry: dict[str, Any] = {"name": name, "seconds": seconds, "weights": self._relative(weights)}
        own = self.run.folder / name / "evaluation.json"
        if own.exists():
            entry |= read_json(own)
        elif self.run.cfg.evaluate.every_stage and not unchanged:
            say(f"evaluating {name}")
            found = evaluate(weights, self.run.cfg)
            write_json(own, found)
            entry |= found
        self.entries.append(entry)
        self._write("running")

    def finish(self) -> dict[str, Any]:
        summary = self._write("finished")
        rows = [row for entry in self.entries if "eval" in entry for row in [self._row(entry)]]
        if rows:
            show_table(f"held-out problems ({self._kinds()})", self._columns(), rows)
        say(f"everything is in {self.run.folder}")
        return summary

    def _write(self, status: str) -> dict[str, Any]:
        seconds = round(time.perf_counter() - self.begun, 1)
        summary = {"status": status, "seconds": seconds, "seed": self.run.cfg.seed, "stages": self.entries}
        write_json(self.run.folder / "summary.json", summary)
        return summary

    def _splits(self) -> list[str]:
        return ["eval", *(f"eval_{split}" for split in self.run.cfg.evaluate.splits[1:])]

    def _kinds(self) -> str:
        return ", ".join(self.run.cfg.evaluate.splits)

    def _columns(self) -> list[str]:
        k = self.run.cfg.evaluate.k
        more = [f"{split} pass@1" for split in self.run.cfg.evaluate.splits[1:]]
        return ["", "parameters", "pass@1", "greedy", f"pass@{k}", f"maj@{k}", "length", *more, "seconds"]

    def _row(self, entry: dict[str, Any]) -> list[str]:
        first, k = entry["eval"], self.run.cfg.evaluate.k
        figures = [f"{first[key]:.3f}" for key in ("pass@1", "greedy", f"pass@{k}", f"maj@{k}")]
        more = [f"{entry[split]['pass@1']:.3f}" for split in self._splits()[1:] if split in entry]
        return [entry["name"], f"{entry['parameters']:,}", *figures, f"{first['length_mean']:.1f}", *more, f"{entry['seconds']:.0f}"]

    def _relative(self, weights: str) -> str:
        path = Path(weights)
        return str(path.relative_to(self.run.folder)) if path.is_relative_to(self.run.folder) else weights
