"""What comes out of a run: summary.json, and the table at the end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from r1lite.config import EvaluateConfig
from r1lite.console import say, show_table
from r1lite.data.examples import SAMPLING
from r1lite.reporting.evaluation import evaluate
from r1lite.reporting.model_card import write_card
from r1lite.store.files import read_json, write_json
from r1lite.store.run import Run

SUMMARY = "summary.json"


class Report:
    """Grows with every stage, and is on disk after each."""

    def __init__(self, run: Run) -> None:
        self.run, self.begun = run, time.perf_counter()
        before = read_json(run.folder / SUMMARY) if (run.folder / SUMMARY).exists() else {"seconds": 0.0, "stages": []}
        self.spent: float = before["seconds"]  # by earlier commands
        # What they left of stages that this one does not name, or has not come to yet, stays.
        self.entries: list[dict[str, Any]] = [e for e in before["stages"] if e["name"] == "base" or run.is_done(e["name"])]

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
        sampled = self.run.folder / name / SAMPLING
        if sampled.exists():
            entry["sampling"] = read_json(sampled)
        place = next((at for at, known in enumerate(self.entries) if known["name"] == name), len(self.entries))
        self.entries[place : place + 1] = [entry]
        write_card(self.run, name, Path(weights), self.entries[: place + 1])
        self._write("running")

    def finish(self) -> dict[str, Any]:
        summary, settings = self._write("finished"), self.run.cfg.evaluate
        rows = [cells(entry, settings) for entry in self.entries if "eval" in entry]
        if rows:
            show_table(f"held-out problems ({', '.join(settings.splits)})", columns(settings), rows)
        say(f"everything is in {self.run.folder}")
        return summary

    def _write(self, status: str) -> dict[str, Any]:
        seconds = round(self.spent + time.perf_counter() - self.begun, 1)
        summary = {"status": status, "seconds": seconds, "seed": self.run.cfg.seed, "stages": self.entries}
        write_json(self.run.folder / SUMMARY, summary)
        return summary

    def _relative(self, weights: str) -> str:
        path = Path(weights)
        return str(path.relative_to(self.run.folder)) if path.is_relative_to(self.run.folder) else weights


def columns(cfg: EvaluateConfig) -> list[str]:
    """The heads of a table with a model a line."""
    more = [f"{split} pass@1" for split in cfg.splits[1:]]
    return ["", "parameters", "pass@1", "greedy", f"pass@{cfg.k}", f"maj@{cfg.k}", "length", *more, "seconds"]


def cells(entry: Mapping[str, Any], cfg: EvaluateConfig) -> list[str]:
    first, keys = entry["eval"], ("pass@1", "greedy", f"pass@{cfg.k}", f"maj@{cfg.k}")
    others = [entry[f"eval_{split}"] for split in cfg.splits[1:] if f"eval_{split}" in entry]
    figures = [*(f"{first[key]:.3f}" for key in keys), f"{first['length_mean']:.1f}", *(f"{other['pass@1']:.3f}" for other in others)]
    return [entry["name"], f"{entry['parameters']:,}", *figures, f"{entry['seconds']:.0f}"]
