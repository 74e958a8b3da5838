"""A part of a layout that an actor of a Ray cluster runs."""

# pyright: reportMissingImports=false
from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from r1lite.launch.part import Part

GONE = 137  # as of a process that was killed
ANSWER_SECONDS = 5.0  # of an actor; one whose node has died may not answer until Ray has noticed
KILL_SECONDS = 15.0


class RayProcess:
    """It may wait for room on the cluster first. A node that is lost ends it."""

    def __init__(self, ray: Any, actor: Any, name: str, started: Any, log: Path) -> None:
        self.ray, self.actor, self.started, self.log = ray, actor, started, log
        self.part = Part(name=name, command=())
        self.is_started = False
        self.end: tuple[int, str] | None = None
        log.parent.mkdir(parents=True, exist_ok=True)

    def ending(self) -> tuple[int, str] | None:
        if self.end is None and self._has_started():
            self.end = self._ask("ending")
        return self.end

    def new_output(self) -> str:
        text = (self._ask("new_output") if self._has_started() else None) or ""
        if text:
            with self.log.open("a") as log:
                log.write(text)
        return text

    def answers(self) -> bool:
        return self._has_started() and bool(self._ask("answers"))

    def signal(self, number: int) -> None:
        if self._has_started():
            self._ask("signal", number)

    def kill(self) -> None:
        with suppress(self.ray.exceptions.RayError):
            self.ray.get(self.actor.kill.remote(), timeout=KILL_SECONDS)
        self.ray.kill(self.actor)
        self.end = self.end or (GONE, "was killed")

    def _has_started(self) -> bool:
        """Whether the actor has a node, and has started the part there."""
        if self.is_started or self.end:
            return self.is_started
        if not self.ray.wait([self.started], timeout=0)[0]:
            return False
        try:
            self.part = self.ray.get(self.started)
            self.is_started = True
        except self.ray.exceptions.RayTaskError as error:
            cause = getattr(error, "cause", error)
            self.end = (1, f"could not be started: {type(cause).__name__}: {cause}")
        except self.ray.exceptions.RayError:
            self.end = (GONE, "is gone with its node")
        return self.is_started

    def _ask(self, method: str, *arguments: Any) -> Any:
        """The actor's answer; None if it has none in time, or any more."""
        try:
            return self.ray.get(getattr(self.actor, method).remote(*arguments), timeout=ANSWER_SECONDS)
        except self.ray.exceptions.GetTimeoutError:
            return None
        except self.ray.exceptions.RayActorError:
            self.end = self.end or (GONE, "is gone with its node, or with its Ray actor")
            return None
