"""Trackio, in its local database (`trackio show`), or where TRACKIO_SPACE_ID or TRACKIO_SERVER_URL says.

A resumed run has the same name there. Steps that run again after a resume are logged again.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from r1lite.trackers import tracker
from r1lite.trackers._place import remembered
from r1lite.trackers._rows import Row

LEVELS = {"note": "INFO", "warning": "WARN", "error": "ERROR"}


class Trackio:
    def __init__(self, library: Any, run: Any) -> None:
        self.library, self.run = library, run

    def log(self, stage: str, step: int, metrics: Mapping[str, float]) -> None:
        self.run.log({f"{stage}/{name}": value for name, value in metrics.items()}, step=step)

    def alert(self, finding: Mapping[str, Any]) -> None:
        title = f"{finding['stage']}: {finding['name']} {finding['event']} at step {finding['step']}"
        text = f"{finding['title']}\n{finding['meaning']}\n{' '.join(finding['overrides'])}"
        self.run.alert(title, text=text, level=self.library.AlertLevel[LEVELS.get(finding["weight"], "WARN")], step=finding["step"])

    def rollouts(self, stage: str, step: int, rows: Sequence[Row]) -> None:
        table = self.library.Table(columns=list(rows[0]), data=[list(row.values()) for row in rows])
        self.run.log({f"{stage}/rollouts": table}, step=step)

    def close(self) -> None:
        self.run.finish()


@tracker("trackio", needs="trackio")
def trackio(run_dir: Path, settings: Mapping[str, Any]) -> Trackio:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    library: Any = import_module("trackio")
    name = remembered(run_dir, "trackio", partial(_name, run_dir))
    run = library.init(
        project=settings["experiment"],
        name=name,
        config=dict(settings),
        resume="allow",
        embed=False,
        auto_log_gpu=False,
        auto_log_cpu=False,
    )
    return Trackio(library, run)


def _name(run_dir: Path) -> str:
    """Unique in the database, in which another run may have a directory of the same name."""
    return f"{run_dir.name}-{secrets.token_hex(3)}"
