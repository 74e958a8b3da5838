"""The outside of one jail: starts it, sends it one program at a time, and reads the verdict."""

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
from .results import result_of
from .types import Program, Result, SandboxError, Tier

START_SECONDS = 60
END_SECONDS = 2
LATE_SECONDS = 10  # a fork server whose verdict is this late is considered dead
PROGRAMS_PER_JAIL = 2000  # then the jail is replaced
_SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL


class JailFailed(Exception):
    """The jail failed, not the program, which is run again in a new jail."""


class Task(NamedTuple):
    number: int  # of the program, in the order of the programs
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
        self._stderr = -1
        self._served = 0
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Start a new jail, without waiting for it."""
        self.stop()
        self._control, jails_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._stderr = os.memfd_create("stderr")
        with jails_end:
            self._process = subprocess.Popen(
                jail.command(self.tier, jails_end.fileno(), fresh_network=self._fresh_network),
                env=jail.environment(self.tier), pass_fds=[jails_end.fileno()], cwd="/",
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._stderr, start_new_session=True,
            )  # fmt: skip

    def wait_until_ready(self) -> None:
        """Wait until the jail is up. SandboxError says why it did not start."""
        assert self._control is not None
        assert self._process is not None
        self._control.settimeout(START_SECONDS)
        try:
            self.facts = json.loads(self._control.recv(4096))
        except (OSError, ValueError):
            self._process.kill()
            self._process.wait()
            raise SandboxError(self._stderr_end() or "the jail did not start") from None
        self._served = 0

    def stop(self) -> None:
        self._drop()
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            # Once the connection is closed, the fork server ends by itself, and the jail with it.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_SECONDS)
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._stderr >= 0:
            os.close(self._stderr)
            self._stderr = -1

    def _stderr_end(self) -> str:
        """The end of the jail's own stderr, which no program can write to."""
        size = os.fstat(self._stderr).st_size
        return os.pread(self._stderr, 2000, max(0, size - 2000)).decode(errors="replace").strip()

    def fileno(self) -> int:
        assert self._control is not None, "this worker has not been started"
        return self._control.fileno()

    def give(self, task: Task) -> None:
        if self._control is None or self._served >= PROGRAMS_PER_JAIL:
            self.launch()
            self.wait_until_ready()
        assert self._control is not None
        self._served += 1
        request, self._files = _request(task.program)
        self.task, self.deadline = task, time.monotonic() + request.seconds + LATE_SECONDS
        try:
            socket.send_fds(self._control, [request.packed()], self._files)
        except OSError as error:
            raise JailFailed(f"the fork server has ended: {error}. {self._stderr_end()}") from error

    def take(self) -> Result:
        """The verdict on the current task. Call when it has arrived, or when the deadline has passed."""
        assert self.task is not None
        assert self._control is not None
        try:
            packet = self._control.recv(wire.REPLY_SIZE + 1, socket.MSG_DONTWAIT)
        except OSError as error:
            raise JailFailed(f"the fork server does not answer: {error}. {self._stderr_end()}") from error
        if len(packet) != wire.REPLY_SIZE:
            raise JailFailed(f"the fork server ended. {self._stderr_end()}")
        reply = wire.reply(packet)
        if reply.ending == wire.NOT_STARTED:
            reason = os.pread(self._files[wire.REPORT], 1000, 0).decode(errors="replace")
            raise JailFailed(f"the program was not started: {reason}")
        result = result_of(self.task.program, reply, self._files, self.tier)
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
    """A file in memory with this text, which can no longer be changed; for None, an empty file to write to."""
    if text is None:
        return os.memfd_create("out")
    file = os.memfd_create("in", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    view = memoryview(text)
    while view:
        view = view[os.write(file, view) :]
    os.lseek(file, 0, os.SEEK_SET)
    fcntl.fcntl(file, fcntl.F_ADD_SEALS, _SEALS)
    return file
