"""metrics.jsonl, the run's trackers, and the time that each part of a step takes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from r1lite.parallel import doing, world
from r1lite.store.files import atomic
from r1lite.trackers import Trackers


class Watcher(Protocol):
    """Is told every logged step, as metrics.jsonl holds it."""

    def begin(self, stage: str, entries: Sequence[Mapping[str, Any]]) -> None:
        """A stage begins, after the steps of these lines if it is resumed."""
        ...

    def log(self, stage: str, step: int, metrics: Mapping[str, float]) -> None: ...


class Metrics:
    """Writes metrics.jsonl, with one JSON object per line and step, and gives the same to the run's trackers and watchers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trackers = Trackers()  # the run's own, while it is open
        self.watchers: list[Watcher] = []

    def begin(self, stage: str, done: int) -> None:
        """Remove the lines that the stage logged after step `done`, because those steps run again."""
        if not world.is_leader():
            return
        self._forget_later(stage, done)
        self.trackers.begin(stage, done)
        for watcher in self.watchers:
            watcher.begin(stage, [entry for entry in read_metrics(self.path) if entry["stage"] == stage])

    def _forget_later(self, stage: str, done: int) -> None:
        if not self.path.exists():
            return
        kept = [line for line in self.path.read_text().splitlines() if _is_kept(line, stage, done)]
        with atomic(self.path) as part:
            part.write_text("".join(line + "\n" for line in kept))

    def seconds(self, stage: str) -> float:
        """Total seconds of the stage's logged steps, including those before an interruption."""
        return sum(entry.get("seconds/total", 0.0) for entry in read_metrics(self.path) if entry["stage"] == stage)

    def log(self, stage: str, step: int, metrics: Mapping[str, float]) -> None:
        if not world.is_leader():
            return
        rounded = {k: _rounded(v) for k, v in metrics.items()}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"stage": stage, "step": step, **rounded}) + "\n")
        self.trackers.log(stage, step, metrics)
        for watcher in self.watchers:
            watcher.log(stage, step, rounded)


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl; none if no step has been logged."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else ()
    return [entry for entry in map(_read, lines) if entry is not None]


class Stopwatch:
    """Measures the seconds of a step's parts, and of the whole step."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.seconds: dict[str, float] = {}

    @contextmanager
    def lap(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        doing.begin_phase(name)
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started

    def metrics(self) -> dict[str, float]:
        total = {"total": time.perf_counter() - self.started}
        return {f"seconds/{name}": s for name, s in (self.seconds | total).items()}


def _is_kept(line: str, stage: str, done: int) -> bool:
    entry = _read(line)
    return entry is not None and (entry["stage"] != stage or entry["step"] <= done)


def _read(line: str) -> dict[str, Any] | None:
    try:
        return json.loads(line)
    except ValueError:  # incomplete: the process was killed while writing it
        return None


def _rounded(value: float) -> float:
    return value if isinstance(value, int) else float(f"{value:.6g}")
