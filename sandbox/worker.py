"""One jail, seen from outside: starts it, hands it one program at a time, reads the verdict."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import subprocess
import time
from typing import Any, NamedTuple

from . import jail
from .inside import wire
from .results import judge
from .types import Program, Result, SandboxError, Tier

START_SECONDS = 60
END_SECONDS = 2
# A fork server that is this late with a verdict is taken for dead.
LATE_SECONDS = 10
# After so many programs the jail makes room for a fresh one.
PROGRAMS_A_JAIL = 2000
_SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL


class JailFailed(Exception):
    """The jail broke, not the program: it is run again in a fresh one."""


class Task(NamedTuple):
    place: int  # in the order asked
    program: Program
    tries: int


class Worker:
    def __init__(self, tier: Tier, *, fresh_network: bool) -> None:
        self.tier: Tier = tier
        self._fresh_network = fresh_network
        self.task: Task | None = None
        self.deadline = 0.0
        self.facts: dict[str, Any] = {}
        self._files: list[int] = []
        self._words = -1
        self._served = 0
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Starts a fresh jail, without waiting for it."""
        self.stop()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._words = os.memfd_create("words")
        with theirs:
            self._process = subprocess.Popen(
                jail.command(self.tier, theirs.fileno(), fresh_network=self._fresh_network),
                env=jail.environment(self.tier), pass_fds=[theirs.fileno()], cwd="/",
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._words, start_new_session=True,
            )  # fmt: skip

    def greet(self) -> None:
        """Waits until the jail is up; SandboxError says why it is not."""
        assert self._control is not None
        assert self._process is not None
        self._control.settimeout(START_SECONDS)
        try:
            self.facts = json.loads(self._control.recv(4096))
        except (OSError, ValueError):
            self._process.kill()
            self._process.wait()
            raise SandboxError(self._said() or "the jail did not start") from None
        self._served = 0

    def stop(self) -> None:
        self._drop()
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            # Without its supervisor the fork server ends by itself, and takes the jail with it.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_SECONDS)
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._words >= 0:
            os.close(self._words)
            self._words = -1

    def _said(self) -> str:
        """The last that the jail wrote to its own stderr, where no program can write."""
        size = os.fstat(self._words).st_size
        return os.pread(self._words, 2000, max(0, size - 2000)).decode(errors="replace").strip()

    def fileno(self) -> int:
        assert self._control is not None, "a worker is asked for its verdict before it was started"
        return self._control.fileno()

    def give(self, task: Task) -> None:
        if self._control is None or self._served >= PROGRAMS_A_JAIL:
            self.launch()
            self.greet()
        assert self._control is not None
        self._served += 1
        request, self._files = _request(task.program)
        self.task, self.deadline = task, time.monotonic() + request.seconds + LATE_SECONDS
        try:
            socket.send_fds(self._control, [request.packed()], self._files)
        except OSError as error:
            raise JailFailed(f"the fork server is gone: {error}. {self._said()}") from error

    def take(self) -> Result:
        """The verdict on the task given. It is there, or it is too late for it."""
        assert self.task is not None
        assert self._control is not None
        try:
            packet = self._control.recv(wire.REPLY_SIZE + 1, socket.MSG_DONTWAIT)
        except OSError as error:
            raise JailFailed(f"the fork server does not answer: {error}. {self._said()}") from error
        if len(packet) != wire.REPLY_SIZE:
            raise JailFailed(f"the fork server ended. {self._said()}")
        reply = wire.reply(packet)
        if reply.ending == wire.NOT_STARTED:
            said = os.pread(self._files[wire.REPORT], 1000, 0).decode(errors="replace")
            raise JailFailed(f"the program was not started: {said}")
        result = judge(self.task.program, reply, self._files, self.tier)
        self._drop()
        return result

    def _drop(self) -> None:
        for file in self._files:
            os.close(file)
        self.task, self._files = None, []


def _request(program: Program) -> tuple[wire.Request, list[int]]:
    limits = program.limits
    stdin = program.stdin if isinstance(program.stdin, bytes) else program.stdin.encode("utf-8", "surrogatepass")
    kind, job = wire.SCRIPT, {"code": program.code}
    files = [stdin, None, None, None]
    if program.fn_name is not None:
        kind, job = wire.CALLS, job | {"fn_name": program.fn_name, "calls": [list(call) for call in program.calls]}
    if program.test is not None:
        kind = wire.TEST
        test = {"setup": program.setup, "test": program.test, "entry_point": program.entry_point}
        files += [json.dumps(test).encode(), None]
    files.insert(0, json.dumps(job).encode())
    request = wire.Request(
        kind, limits.seconds, limits.seconds if limits.cpu_seconds is None else limits.cpu_seconds, limits.memory_mb << 20,
        limits.output_kb << 10, limits.disk_mb << 20, limits.files, limits.open_files, limits.threads,
    )  # fmt: skip
    return request, [_memory_file(text) for text in files]


def _memory_file(text: bytes | None) -> int:
    """A file with this text that nobody can change any more; an empty one to write to for None."""
    if text is None:
        return os.memfd_create("out")
    file = os.memfd_create("in", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    view = memoryview(text)
    while view:
        view = view[os.write(file, view) :]
    os.lseek(file, 0, os.SEEK_SET)
    fcntl.fcntl(file, fcntl.F_ADD_SEALS, _SEALS)
    return file
