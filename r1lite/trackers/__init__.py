"""Where metrics go besides metrics.jsonl. One file per tracker; a file's name is the tracker's name.

`@tracker("name")` registers a function `(run_dir, settings) -> Tracker` that opens it for a run. If the open tracker raises, the
error is printed and the tracker is not called again: the run goes on, and metrics.jsonl has every step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from r1lite.console import say
from r1lite.registry import Registry


class Tracker(Protocol):
    """An open tracker. A step that is logged twice, after a resume, replaces the one before."""

    def log(self, stage: str, step: int, metrics: Mapping[str, float]) -> None: ...

    def close(self) -> None: ...


Open = Callable[[Path, Mapping[str, Any]], Tracker]
trackers: Registry[Open, None] = Registry("tracker", "r1lite.trackers")


def tracker(name: str) -> Callable[[Open], Open]:
    """Register a tracker: `@tracker("lines")`."""

    def register(opens: Open) -> Open:
        trackers.register(name, opens, None)
        return opens

    return register


class Trackers:
    """The trackers of a run."""

    def __init__(self, names: Sequence[str] = (), run_dir: Path = Path(), settings: Mapping[str, Any] | None = None) -> None:
        self.open = {name: trackers[name](run_dir, settings or {}) for name in names}

    def log(self, stage: str, step: int, metrics: Mapping[str, float]) -> None:
        self._each(lambda tracker: tracker.log(stage, step, metrics))

    def close(self) -> None:
        self._each(lambda tracker: tracker.close())

    def _each(self, call: Callable[[Tracker], None]) -> None:
        for name, one in list(self.open.items()):
            try:
                call(one)
            except Exception as error:  # third-party code, which may use a network
                del self.open[name]
                say(f"tracker {name!r} failed and is not used any more in this run: {type(error).__name__}: {error}")
