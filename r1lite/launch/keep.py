"""Keeps the vLLM servers of a run going: one that dies, or does not answer, is started again."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from r1lite.launch.logs import Logs, say
from r1lite.launch.process import Running

POLL_SECONDS = 0.2
HEALTH_EVERY = 10.0  # seconds between two questions to a server that is ready
HUNG_SECONDS = 120.0  # after which a server that was ready and does not answer is started again
AGAIN_SECONDS = 2.0  # before a dead server is started again; doubled each time that it was not ready in between
FAILED_STARTS = 5  # in a row, after which a server is given up
LEAVE_SECONDS = 10.0  # that servers have to end by themselves


class Backend(Protocol):
    """Where the parts of a run are started."""

    servers: int

    def start_server(self, number: int) -> Running: ...

    def start_trainer(self, urls: Sequence[str]) -> list[Running]: ...

    def moved(self, urls: Sequence[str]) -> None:
        """A server that is back may be at another address."""
        ...


@dataclass(slots=True)
class Server:
    """A server and how it fares."""

    number: int
    running: Running
    url: str = ""  # where it was when it was ready last
    ready: bool = False
    heard: float = field(default_factory=time.monotonic)  # when it last answered, or was started
    asked: float = 0.0
    failed_starts: int = 0
    again_at: float = 0.0  # when it is started again, if it is dead
    given_up: bool = False

    @property
    def name(self) -> str:
        return self.running.part.name


class Servers:
    """All servers of a run."""

    def __init__(self, backend: Backend, logs: Logs, start_seconds: float) -> None:
        self.backend, self.logs, self.start_seconds = backend, logs, start_seconds
        self.all: list[Server] = []

    def start(self, check: Callable[[], None]) -> None:
        """Start them, and wait until all answer. ValueError if one does not. `check` may raise to stop waiting."""
        for number in range(self.backend.servers):
            self.all.append(Server(number, self.backend.start_server(number)))
        if self.all:
            say(f"waiting for the servers ({len(self.all)}); their logs are in {self.logs.folder}")
        deadline = time.monotonic() + self.start_seconds
        while late := [server for server in self.all if not server.ready]:
            check()
            for server in late:
                self.logs.show(server.running)
                if end := server.running.ending():
                    raise ValueError(f"{server.name} {end[1]} while it started{self.logs.last_words(server.running)}")
                self._look(server)
            if time.monotonic() > deadline:
                why = f"does not answer after {self.start_seconds:g} s (start_seconds)"
                raise ValueError(f"{late[0].name} {why}{self.logs.last_words(late[0].running)}")
            time.sleep(POLL_SECONDS)

    def tend(self) -> None:
        """Look after each of them once."""
        for server in self.all:
            self.logs.show(server.running)
            if server.given_up:
                continue
            if server.again_at:
                if time.monotonic() >= server.again_at:
                    self._start_again(server)
            elif end := server.running.ending():
                self._plan_restart(server, end[1])
            elif not server.ready or time.monotonic() - server.asked > HEALTH_EVERY:
                if self._look(server):
                    self.backend.moved(self.urls())
                    say(f"{server.name} is back at {server.url}, and gets the newest weights at the next sync")
                elif (silent := time.monotonic() - server.heard) > (HUNG_SECONDS if server.ready else self.start_seconds):
                    server.running.kill()
                    self._plan_restart(server, f"did not answer for {silent:.0f} s")

    def end(self) -> None:
        """End them, after a moment to clean up."""
        for server in self.all:
            server.running.signal(signal.SIGTERM)
        deadline = time.monotonic() + LEAVE_SECONDS
        while any(server.running.ending() is None for server in self.all) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        for server in self.all:
            server.running.kill()

    def urls(self) -> list[str]:
        return [server.url for server in self.all]

    def are_lost(self) -> bool:
        return bool(self.all) and all(server.given_up for server in self.all)

    def _look(self, server: Server) -> bool:
        """Ask a server whether it is ready; returns whether it has become so."""
        server.asked = time.monotonic()
        if not server.running.answers():
            return False
        server.heard = time.monotonic()
        if server.ready:
            return False
        server.ready, server.failed_starts, server.url = True, 0, server.running.part.url
        return True

    def _plan_restart(self, server: Server, why: str) -> None:
        server.failed_starts += not server.ready
        words = "" if server.ready else self.logs.last_words(server.running)
        if server.failed_starts >= FAILED_STARTS:
            server.given_up = True
            say(f"{server.name} {why}, and has now failed to start {FAILED_STARTS} times in a row: given up{words}")
            return
        say(f"{server.name} {why}: starting it again{words}")
        server.ready, server.again_at = False, time.monotonic() + AGAIN_SECONDS * 2**server.failed_starts

    def _start_again(self, server: Server) -> None:
        server.running = self.backend.start_server(server.number)
        server.again_at, server.heard = 0.0, time.monotonic()
