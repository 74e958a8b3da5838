"""A short run with trackers, in a process of its own: `python tracked_run.py RUN_DIR STOP_AFTER`. 0 does not stop it.

Libraries of trackers keep state in the process, and start processes of their own. Connections to other machines are refused and
written to RUN_DIR.network, so that a test can say that there were none.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

from r1lite.settings.compose import configuration
from r1lite.store.metrics import Metrics
from r1lite.train import train

NAMES = ("tensorboard", "wandb", "trackio", "mlflow", "swanlab")
SMALL = (
    f"stages=[rl] track=[{','.join(NAMES)}] rl.steps=4 rl.prompts_per_step=2 rl.group_size=4 rl.show_every=2 rl.checkpoint_every=2 "
    "sampler.max_tokens=16 scoring.workers=0 threads=1 evaluate.every_stage=false preflight.enabled=false"
).split()
FINDING: dict[str, Any] = {
    "event": "begins", "name": "all_wrong", "stage": "rl", "step": 2, "since": 1, "weight": "warning", "title": "nothing is right",
    "evidence": {"reward/mean": 0.0}, "meaning": "No rollout is right.", "overrides": ["rl.group_size=16"],
}  # fmt: skip


def refuse_network(log: Path) -> None:
    connect = socket.socket.connect

    def checked(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
            with log.open("a") as file:
                file.write(f"{address}\n")
            raise OSError("no network here")
        connect(self, address)

    socket.socket.connect = checked


def main(run_dir: str, stop_after: int) -> None:
    refuse_network(Path(f"{run_dir}.network"))
    log = Metrics.log

    def stopping(self: Metrics, stage: str, step: int, metrics: Any) -> None:
        log(self, stage, step, metrics)
        if step == 2:
            self.trackers.alert(FINDING)
        if step == stop_after:
            raise RuntimeError("stopped by the test")

    Metrics.log = stopping
    train(configuration([*SMALL, f"run_dir={run_dir}"]))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
