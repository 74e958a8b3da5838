"""The results of a run: summary.json, and the table that is printed at the end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from r1lite.config import EvaluateConfig
from r1lite.console import say, show_table
from r1lite.data.examples import SAMPLING
from r1lite.parallel import exchange
from r1lite.reporting.evaluation import evaluate
from r1lite.reporting.model_card import write_card
from r1lite.settings.stages import BASE
from r1lite.store.files import from_here, read_json, write_json
from r1lite.store.run import Run

SUMMARY = "summary.json"


class Report:
    """Collects the results of the stages. After each stage, summary.json is written again."""

    def __init__(self, run: Run) -> None:
        self.run, self.started = run, time.perf_counter()
        earlier = read_json(run.folder / SUMMARY) if (run.folder / SUMMARY).exists() else {"seconds": 0.0, "stages": []}
        self.earlier_seconds: float = earlier["seconds"]  # of earlier commands in this run directory
        # Entries of finished stages are kept, including stages that this command does not run.
        self.entries: list[dict[str, Any]] = [e for e in earlier["stages"] if e["name"] == BASE or run.is_done(e["name"])]

    def add(self, name: str, weights: str, *, seconds: float, unchanged: bool = False) -> None:
        """Add a finished stage: evaluate its weights, unless they are unchanged, and write its model card."""
        entry: dict[str, Any] = {"name": name, "seconds": seconds, "weights": self._relative(weights)}
        evaluation = self.run.folder / name / "evaluation.json"
        if evaluation.exists():
            entry |= read_json(evaluation)
        elif self.run.cfg.evaluate.every_stage and not unchanged:
            say(f"evaluating {name}")
            results = evaluate(weights, self.run.cfg)
            exchange.leader_writes(lambda: write_json(evaluation, results))
            entry |= results
        sampling = self.run.folder / name / SAMPLING
        if sampling.exists():
            entry["sampling"] = read_json(sampling)
        position = next((i for i, other in enumerate(self.entries) if other["name"] == name), len(self.entries))
        self.entries[position : position + 1] = [entry]
        exchange.leader_writes(lambda: write_card(self.run, name, Path(weights), self.entries[: position + 1]))
        self._write("running")

    def finish(self) -> dict[str, Any]:
        """Write the final summary, print the table, and return the summary."""
        summary, settings = self._write("finished"), self.run.cfg.evaluate
        rows = [cells(entry, settings) for entry in self.entries if "eval" in entry]
        if rows:
            show_table(f"held-out problems ({', '.join(settings.splits)})", columns(settings), rows)
        say(f"the results are in {from_here(self.run.folder)}")
        return summary

    def _write(self, status: str) -> dict[str, Any]:
        seconds = round(self.earlier_seconds + time.perf_counter() - self.started, 1)
        summary = {"status": status, "seconds": seconds, "seed": self.run.cfg.seed, "stages": self.entries}
        exchange.leader_writes(lambda: write_json(self.run.folder / SUMMARY, summary))
        return summary

    def _relative(self, weights: str) -> str:
        path = Path(weights)
        return str(path.relative_to(self.run.folder)) if path.is_relative_to(self.run.folder) else weights


def columns(cfg: EvaluateConfig) -> list[str]:
    """Column heads of a table with one model per line."""
    other_splits = [f"{split} pass@1" for split in cfg.splits[1:]]
    return ["", "parameters", "pass@1", "greedy", f"pass@{cfg.k}", f"maj@{cfg.k}", "length", *other_splits, "seconds"]


def cells(entry: Mapping[str, Any], cfg: EvaluateConfig) -> list[str]:
    """The line of one model in that table."""
    first, keys = entry["eval"], ("pass@1", "greedy", f"pass@{cfg.k}", f"maj@{cfg.k}")
    others = [entry[f"eval_{split}"] for split in cfg.splits[1:] if f"eval_{split}" in entry]
    figures = [*(f"{first[key]:.3f}" for key in keys), f"{first['length_mean']:.1f}", *(f"{other['pass@1']:.3f}" for other in others)]
    return [entry["name"], f"{entry['parameters']:,}", *figures, f"{entry['seconds']:.0f}"]
