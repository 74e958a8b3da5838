"""Where metrics go besides metrics.jsonl: `track=[wandb]`. One file per tracker; a file's name is the tracker's name.

`@tracker("name", needs="module")` registers a function `(run_dir, settings) -> Tracker` that opens it for a run. Each tracker works in
a thread of its own, so that a slow library or network does not slow down training. One that fails, or falls too far behind, costs a
line of output: the run goes on without it, and metrics.jsonl has every step.

Files go into RUN/trackers. Nothing is sent anywhere, unless an environment variable of the tracker's own library says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from r1lite.console import say
from r1lite.registry import Registry
from r1lite.trackers._background import Background
from r1lite.trackers._rows import Row, rows_of
from r1lite.types import Scored


class Tracker(Protocol):
    """An open tracker. A step that is logged twice, after a resume, replaces the one before."""

    def log(self, stage: str, step: int, metrics: Mapping[str, float]) -> None: ...

    def close(self) -> None: ...


@runtime_checkable
class Staged(Protocol):
    """A tracker that wants to know when a stage begins."""

    def begin(self, stage: str, done: int) -> None:
        """The stage goes on after step `done`; what was logged of later steps does not count any more."""
        ...


@runtime_checkable
class Alerting(Protocol):
    """A tracker that can show findings."""

    def alert(self, finding: Mapping[str, Any]) -> None:
        """A line of diagnosis.jsonl."""
        ...


@runtime_checkable
class Tabular(Protocol):
    """A tracker that can show rollouts."""

    def rollouts(self, stage: str, step: int, rows: Sequence[Row]) -> None: ...


@runtime_checkable
class Failing(Protocol):
    """A tracker that can show that a run did not reach its end."""

    def fail(self) -> None:
        """The run ended with an error, or was interrupted. It is closed next."""
        ...


Open = Callable[[Path, Mapping[str, Any]], Tracker]
trackers: Registry[Open, str] = Registry("tracker", "r1lite.trackers")


def tracker(name: str, *, needs: str = "") -> Callable[[Open], Open]:
    """Register a tracker: `@tracker("lines")`. `needs` is the module that its extra installs."""

    def register(opens: Open) -> Open:
        trackers.register(name, opens, needs)
        return opens

    return register


def check_trackers(names: Sequence[str]) -> None:
    """Raise ValueError for a tracker that does not exist, or whose library is not installed."""
    for name in names:
        needs = trackers.declaration(name)
        if needs and find_spec(needs) is None:
            raise ValueError(f"track=[{name}] needs the package {needs}: pip install 'r1lite[{name}]'")


class Trackers:
    """The trackers of a run."""

    def __init__(self, names: Sequence[str] = (), run_dir: Path = Path(), settings: Mapping[str, Any] | None = None) -> None:
        self.open = {name: Background(name, partial(trackers[name], run_dir, settings or {})) for name in dict.fromkeys(names)}

    def begin(self, stage: str, done: int) -> None:
        self._each("begin", stage, done)

    def log(self, stage: str, step: int, metrics: Mapping[str, float]) -> None:
        self._each("log", stage, step, metrics)

    def alert(self, finding: Mapping[str, Any]) -> None:
        self._each("alert", finding)

    def rollouts(self, stage: str, step: int, groups: Sequence[Sequence[Scored]]) -> None:
        if self.open:
            self._each("rollouts", stage, step, rows_of(groups))

    def close(self, *, failed: bool = False) -> None:
        for one in self.open.values():
            if failed:
                one.call("fail")
            one.finish()
        for one in self.open.values():
            one.wait()
        self._report()

    def _each(self, method: str, *arguments: Any) -> None:
        for one in self.open.values():
            one.call(method, *arguments)
        self._report()

    def _report(self) -> None:
        for name in [name for name, one in self.open.items() if one.error]:
            error = self.open.pop(name).error
            say(f"tracker {name!r} failed and is not used any more in this run: {error}")
