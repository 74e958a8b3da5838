"""SwanLab. Offline, in RUN/trackers/swanlab, unless SWANLAB_MODE=online; `swanlab sync` sends an offline run later.

A resumed run has the same id there.
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

# Not of interest to a run, and nobody else's business.
PROBED = {"git": False, "requirements": False, "runtime": False, "hardware": False, "monitor": False}


class SwanLab:
    def __init__(self, library: Any, run: Any) -> None:
        self.library, self.run, self.state = library, run, "success"

    def log(self, stage: str, step: int, metrics: Mapping[str, float]) -> None:
        self.run.log({f"{stage}/{name}": value for name, value in metrics.items()}, step=step)

    def alert(self, finding: Mapping[str, Any]) -> None:
        """As text, since SwanLab has no alerts."""
        text = f"{finding['name']} {finding['event']}: {finding['title']}\n{finding['meaning']}"
        self.run.log({f"{finding['stage']}/findings": self.library.Text(text, caption=finding["weight"])}, step=finding["step"])

    def rollouts(self, stage: str, step: int, rows: Sequence[Row]) -> None:
        texts = [
            self.library.Text("\n".join(f"{name}: {value}" for name, value in row.items()), caption=f"reward {row['reward']}")
            for row in rows
        ]
        self.run.log({f"{stage}/rollouts": texts}, step=step)

    def fail(self) -> None:
        self.state = "crashed"

    def close(self) -> None:
        self.run.finish(state=self.state)


@tracker("swanlab", needs="swanlab")
def swanlab(run_dir: Path, settings: Mapping[str, Any]) -> SwanLab:
    library: Any = import_module("swanlab")
    mode: Any = os.environ.get("SWANLAB_MODE", "offline")
    run = library.init(
        project=settings["experiment"],
        name=run_dir.name,
        id=remembered(run_dir, "swanlab"),
        resume="allow",
        mode=mode,
        log_dir=str(folder_of(run_dir, "swanlab")),
        config=dict(settings),
        settings=library.Settings.model_validate({"probe": PROBED, "terminal": {"proxy_type": "none"}, "interactive": False}),
    )
    return SwanLab(library, run)
