"""Runs of `python -m r1lite.train`: trained once in a folder, and read from there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def train_once(settings: str, folder: Path) -> float:
    """Train in `folder`, unless a run finished there before. Returns the peak memory of the run's process, in MB."""
    memory = folder / "memory.json"  # written last, so it marks a finished run
    if not memory.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / "log.txt"
        with log.open("w") as output:
            command = [sys.executable, "-m", "r1lite.train", *settings.split(), f"run_dir={folder}"]
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
            _, status, usage = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"error: the run in {folder} failed:\n{log.read_text()[-2000:]}")
        memory.write_text(json.dumps(usage.ru_maxrss / 1024))
    return json.loads(memory.read_text())


def read_summary(run: Path) -> dict[str, Any]:
    return json.loads((run / "summary.json").read_text(encoding="utf-8"))


def read_steps(run: Path, stage: str) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl that belong to a stage."""
    return [line for line in read_jsonl(run / "metrics.jsonl") if line["stage"] == stage]


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
