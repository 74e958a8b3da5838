"""A part of a layout that runs on this machine. It writes its own log, which the launcher reads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Protocol

from r1lite.launch.group import END_ALL
from r1lite.launch.part import Part

HEALTH_SECONDS = 3.0  # deadline of one question
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Running(Protocol):
    """A part that was started, wherever it runs."""

    part: Part

    def ending(self) -> tuple[int, str] | None:
        """Its exit code (128 + the signal, if one ended it) and the same in words; None while it runs."""
        ...

    def new_output(self) -> str:
        """What it has printed since the last call."""
        ...

    def answers(self) -> bool:
        """Whether a server is ready."""
        ...

    def signal(self, number: int) -> None:
        """Send a signal to its command."""
        ...

    def kill(self) -> None:
        """End it, with all its processes, and wait until they are gone."""
        ...


def models_at(url: str) -> list[str]:
    """The names of the models that a server has; empty if it does not answer."""
    try:
        with _OPENER.open(f"{url}/v1/models", timeout=HEALTH_SECONDS) as answer:
            return [model["id"] for model in json.load(answer)["data"]]
    except (OSError, HTTPException, ValueError, LookupError, TypeError):
        return []


class LocalProcess:
    """A part on this machine, in a process group of its own, so that Ctrl-C reaches the launcher alone."""

    def __init__(self, part: Part, log: Path) -> None:
        self.part, self.log, self.is_over = part, log, False
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            out.write(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')}\n{part.as_shell()}\n".encode())
            out.flush()
            self.read = out.tell()
            command = [sys.executable, "-m", "r1lite.launch.group", str(os.getpid()), *part.command]
            environment = {**os.environ, "PYTHONUNBUFFERED": "1", **part.environment}
            self.process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, process_group=0
            )

    def ending(self) -> tuple[int, str] | None:
        code = self.process.poll()
        if code is None:
            return None
        if not self.is_over:  # once, since its number may be another's later
            self.is_over = True
            self._end_group()
        return (code, f"ended with exit code {code}") if code >= 0 else (128 - code, f"was killed by {signal.Signals(-code).name}")

    def new_output(self) -> str:
        with self.log.open("rb") as log:
            log.seek(self.read)
            text = log.read()
        self.read += len(text)
        return text.decode(errors="replace")

    def answers(self) -> bool:
        return self.part.serves in models_at(self.part.url)

    def signal(self, number: int) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGCONT)
        self.signal(END_ALL)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=10)
            return
        self._end_group()
        self.process.wait()

    def _end_group(self) -> None:
        """Nothing is left in the group, unless its first process was killed."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
