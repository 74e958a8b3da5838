"""Weights & Biases. Offline, in RUN/trackers/wandb, unless WANDB_MODE=online; `wandb sync` sends an offline run later.

A resumed run has the same id there. Steps that run again after a resume are logged again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from r1lite.trackers import tracker
from r1lite.trackers._place import folder_of, remembered
from r1lite.trackers._rows import Row

LEVELS = {"note": "INFO", "warning": "WARN", "error": "ERROR"}


class Wandb:
    def __init__(self, library: Any, run: Any) -> None:
        self.library, self.run, self.exit_code = library, run, 0

    def begin(self, stage: str, done: int) -> None:
        """Each stage has an axis of its own: wandb's steps only count calls."""
        self.run.define_metric(f"{stage}/step")
        self.run.define_metric(f"{stage}/*", step_metric=f"{stage}/step")

    def log(self, stage: str, step: int, metrics: Mapping[str, float]) -> None:
        self.run.log({f"{stage}/step": step, **{f"{stage}/{name}": value for name, value in metrics.items()}})

    def alert(self, finding: Mapping[str, Any]) -> None:
        title = f"{finding['stage']}: {finding['name']} {finding['event']} at step {finding['step']}"
        text = f"{finding['title']}\n{finding['meaning']}\n{' '.join(finding['overrides'])}"
        self.run.alert(title=title, text=text, level=LEVELS.get(finding["weight"], "WARN"))

    def rollouts(self, stage: str, step: int, rows: Sequence[Row]) -> None:
        table = self.library.Table(columns=list(rows[0]), data=[list(row.values()) for row in rows])
        self.run.log({f"{stage}/step": step, f"{stage}/rollouts": table})

    def fail(self) -> None:
        self.exit_code = 1

    def close(self) -> None:
        self.run.finish(self.exit_code)


@tracker("wandb", needs="wandb")
def wandb(run_dir: Path, settings: Mapping[str, Any]) -> Wandb:
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # of crashes, to its makers
    library: Any = import_module("wandb")
    mode: Any = os.environ.get("WANDB_MODE", "offline")
    run = library.init(
        project=os.environ.get("WANDB_PROJECT") or settings["experiment"],
        name=run_dir.name,
        id=remembered(run_dir, "wandb"),
        resume="allow" if mode == "online" else None,  # offline, the id alone decides
        dir=str(folder_of(run_dir, "wandb")),
        config=dict(settings),
        mode=mode,
        settings=library.Settings(console="off", disable_git=True, disable_code=True, silent=True),
    )
    return Wandb(library, run)
