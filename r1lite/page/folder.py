"""A run directory as the page reads it: never written to, and never trusted to be complete."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from r1lite.store.config_file import CONFIG, read_config
from r1lite.store.files import read_json

Status = Literal["running", "finished", "stopped"]
METRICS, SUMMARY, DIAGNOSIS, LOCK, ERROR = "metrics.jsonl", "summary.json", "diagnosis.jsonl", ".lock", "error.log"
RECENT_SECONDS = 120.0  # without a list of locks, a run whose files are younger than this is taken to be running


@dataclass
class RunFolder:
    """The files of a run. What could not be read is in `notes`, one line each, and left out."""

    path: Path
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.path.name

    def settings(self) -> dict[str, Any]:
        try:
            return read_config(self.path)
        except Exception as error:  # YAML that was cut off, or edited by hand
            self.notes.append(f"{CONFIG} cannot be read ({type(error).__name__}); the settings are left out")
            return {}

    def summary(self) -> dict[str, Any]:
        found = self.json(SUMMARY)
        return found if isinstance(found, dict) and isinstance(found.get("stages"), list) else {"stages": []}

    def json(self, name: str) -> Any:
        """The content of a JSON file; None if there is none, or if it cannot be read."""
        path = self.path / name
        try:
            return read_json(path) if path.is_file() else None
        except (ValueError, OSError) as error:
            self.notes.append(f"{name} cannot be read ({type(error).__name__}); what it holds is left out")
            return None

    def lines(self, name: str) -> list[dict[str, Any]]:
        """The objects of a file of JSON lines, without those that are incomplete, such as the one that is being written."""
        path = self.path / name
        if not path.is_file():
            return []
        found = [*map(_object, path.read_bytes().decode("utf-8", errors="replace").splitlines())]
        broken = sum(entry is None for entry in found[:-1])  # the last line may be in the middle of being written
        if broken:
            self.notes.append(f"{name}: {broken} lines are no JSON objects and are left out")
        return [entry for entry in found if entry is not None]

    def metrics(self) -> list[dict[str, Any]]:
        """One entry per step. A step that was logged twice, before and after a resume, is there once."""
        entries = [e for e in self.lines(METRICS) if isinstance(e.get("stage"), str) and isinstance(e.get("step"), int)]
        return [*{(entry["stage"], entry["step"]): entry for entry in entries}.values()]

    def ledgers(self) -> dict[str, list[Path]]:
        """The files of rollouts of each stage, in the order of their steps."""
        found = sorted(self.path.glob("*/rollouts/step-*.parquet"))
        return {stage: [f for f in found if f.parent.parent.name == stage] for stage in dict.fromkeys(f.parent.parent.name for f in found)}

    def records(self) -> Iterator[tuple[str, dict[str, Any], bool]]:
        """Each stage that has begun, in the order of the settings: its name, what was recorded, and whether it is finished."""
        order = self.settings().get("stages")
        known = order if isinstance(order, list) else []
        begun = sorted(path.parent.name for path in self.path.glob("*/begun.json"))
        for stage in [*(name for name in known if name in begun), *(name for name in begun if name not in known)]:
            done = self.json(f"{stage}/done.json")
            record = done if isinstance(done, dict) else self.json(f"{stage}/begun.json")
            yield stage, record if isinstance(record, dict) else {}, isinstance(done, dict)

    def status(self) -> Status:
        if self._is_locked():
            return "running"
        return "finished" if self.summary().get("status") == "finished" else "stopped"

    def ending(self) -> str:
        """The last line of the error that ended the run; empty if there was none."""
        path = self.path / ERROR
        lines = path.read_bytes().decode("utf-8", errors="replace").strip().splitlines() if path.is_file() else []
        return lines[-1][:500] if lines else ""

    def _is_locked(self) -> bool:
        """Whether a process works in the folder. The lock is not tried: a run that starts in this moment would be refused."""
        lock, locks = self.path / LOCK, Path("/proc/locks")
        if not lock.exists():
            return False
        if locks.exists():
            inode = str(lock.stat().st_ino)
            return any(_is_lock_of(line.split(), inode) for line in locks.read_text().splitlines())
        newest = max((path.stat().st_mtime for path in (self.path / METRICS, lock) if path.exists()), default=0.0)
        return self.summary().get("status") != "finished" and time.time() - newest < RECENT_SECONDS


def open_folder(path: str | Path) -> RunFolder:
    """ValueError, in one line, if this is no run directory."""
    folder = Path(path).expanduser()
    if not folder.exists():
        raise ValueError(f"there is no folder {folder}")
    if not folder.is_dir():
        raise ValueError(f"{folder} is a file; a run is a folder, the one that run_dir= named")
    if not any((folder / name).exists() for name in (CONFIG, METRICS, SUMMARY)):
        inside = [f.name for f in sorted(folder.iterdir()) if (f / CONFIG).exists()] if os.access(folder, os.R_OK) else []
        hint = f"; it contains runs: {', '.join(inside[:5])}" if inside else ""
        raise ValueError(f"{folder} is no run directory: it has none of {CONFIG}, {METRICS} and {SUMMARY}{hint}")
    return RunFolder(folder.resolve())


def finite(value: Any) -> float | int | None:
    """A number that JSON and a chart can hold; None for others, of which NaN and infinity are the likely ones."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) else None


def _object(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _is_lock_of(words: list[str], inode: str) -> bool:
    """A line of /proc/locks: `1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF`."""
    return len(words) >= 6 and words[1] == "FLOCK" and words[5].rpartition(":")[2] == inode
