"""The fork server: a running interpreter that forks for every program.

Only the fork server starts, watches and ends programs. It never reads their code or output.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import time
from typing import Final, NamedTuple

from . import kernel, wire
from .confine import Confinement

TICK: Final = 0.05
# The kernel takes a moment to release the resources of earlier programs.
_CLONE_TRIES: Final = 100


class Role(NamedTuple):
    """The task of a forked process: a program, or a test's driver."""

    request: wire.Request
    driver: bool
    text: int  # descriptor of the code or test to run
    descriptors: list[int]  # to become 0, 1, 2, the report, the channel, and the pipe of start marks


class Process(NamedTuple):
    pid: int
    pidfd: int

    def cpu_seconds(self) -> float:
        """Processor time, from the clock id that the kernel assigns to another process."""
        return time.clock_gettime((~self.pid << 3) | 2)

    def end(self) -> tuple[int, float]:
        """Kill the process and all that it started. Returns (exit code or minus the signal, seconds of processor time)."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):  # without namespaces, processes that it started outlive it
            os.killpg(self.pid, signal.SIGKILL)
        _, status, used = os.wait4(self.pid, 0)
        os.close(self.pidfd)
        return os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime


class Server:
    def __init__(self, control: socket.socket, confinement: Confinement) -> None:
        self._control = control
        self._confinement = confinement
        self._nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        self._started, self._mark = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def serve(self) -> Role | None:
        """Run programs until the supervisor closes the connection. Only a forked process gets a role back, and leaves this loop."""
        while True:
            packet, files, *_ = socket.recv_fds(self._control, wire.REQUEST_SIZE, 8)
            if not packet:
                return None
            request, began = wire.request(packet), time.monotonic()
            processes, role = self._start(request, files)
            if role:
                return role
            reply = self._finish(request, files, processes, began)
            for file in files:
                os.close(file)
            self._control.send(reply.packed())

    def _start(self, request: wire.Request, files: list[int]) -> tuple[list[Process], Role | None]:
        """Start the processes. The one that decides the verdict comes first: the test's driver, or else the program."""
        processes = []
        roles = self._roles(request, files)
        for role in roles:
            pid, pidfd = _clone(self._confinement.flags)
            if pid == 0:
                return [], role
            processes.append(Process(pid, pidfd))
        for channel in {role.descriptors[4] for role in roles} - {self._nothing}:
            os.close(channel)
        return processes, None

    def _roles(self, request: wire.Request, files: list[int]) -> list[Role]:
        streams = files[wire.STDIN : wire.REPORT + 1]
        if request.kind != wire.TEST:
            return [Role(request, False, files[wire.CODE], [*streams, self._nothing, self._mark])]
        asking, answering = (end.detach() for end in socket.socketpair())
        silence = [self._nothing] * 3
        return [
            Role(request, True, files[wire.TEST_TEXT], [*silence, files[wire.TEST_REPORT], asking, self._mark]),
            Role(request, False, files[wire.CODE], [*streams, answering, self._mark]),
        ]

    def _finish(self, request: wire.Request, files: list[int], processes: list[Process], began: float) -> wire.Reply:
        ending = self._watch(request, files[wire.STDOUT : wire.REPORT + 1], processes, began)
        ends = [process.end() for process in processes]
        if ending == wire.EXITED and any(code == -signal.SIGKILL and used >= request.cpu_seconds for code, used in ends):
            ending = wire.TIMEOUT
        if self._started_count() < len(processes) and ending == wire.EXITED:
            ending = wire.NOT_STARTED
        return wire.Reply(ending, ends[0][0], time.monotonic() - began)

    def _watch(self, request: wire.Request, outputs: list[int], processes: list[Process], began: float) -> int:
        poll = select.poll()
        poll.register(processes[0].pidfd, select.POLLIN)
        poll.register(self._control, 0)  # poll always reports a closed connection
        while (left := began + request.seconds - time.monotonic()) > 0:
            for descriptor, _ in poll.poll(1000 * min(left, TICK) + 1):
                # Without a supervisor nobody needs the verdict: the program ends now, and the server when it tries to reply.
                return wire.EXITED if descriptor == processes[0].pidfd else wire.TIMEOUT
            if any(os.fstat(output).st_size > request.output for output in outputs):
                return wire.OUTPUT_LIMIT
            if sum(process.cpu_seconds() for process in processes) > request.cpu_seconds:
                return wire.TIMEOUT
        return wire.TIMEOUT

    def _started_count(self) -> int:
        """How many processes got as far as running code. A process that ran any of the program's code always counts."""
        try:
            return len(os.read(self._started, 16))
        except BlockingIOError:
            return 0


def _clone(flags: int) -> tuple[int, int]:
    for _ in range(_CLONE_TRIES):
        with contextlib.suppress(OSError):
            return kernel.clone(flags)
        time.sleep(0.02)
    return kernel.clone(flags)
