"""Processes of this machine: who they are, whether they move, and how one ends with the one that started it."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PR_SET_PDEATHSIG = 1  # from linux/prctl.h
GONE, STOPPED, ALIVE = "gone", "stopped", "alive"


class Identity(NamedTuple):
    """A process among those of all machines."""

    host: str
    machine: str  # which machine and which space of process ids; empty if that is not known
    pid: int
    started: str  # tells it from a later process with the same number


def own_identity() -> Identity:
    return Identity(socket.gethostname(), _machine(), os.getpid(), _fields(os.getpid())[1])


def is_here(other: Identity) -> bool:
    """Whether this process can see the other one."""
    return other.machine != "" and other.machine == _machine()


def state_of(other: Identity) -> str:
    """Whether a process of this machine moves: gone, stopped (by SIGSTOP or a debugger), or alive."""
    state, started = _fields(other.pid)
    if not state or state in "ZX" or started != other.started:
        return GONE
    return STOPPED if state in "Tt" else ALIVE


def kill(other: Identity) -> None:
    """End a process, if it is on this machine and still there."""
    if is_here(other) and state_of(other) != GONE:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(other.pid, signal.SIGKILL)


def signal_at_end_of(parent: int, number: int) -> None:
    """Let the kernel send this process a signal as soon as its parent ends, whatever either is doing. Linux alone can."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it has ended before
        os.kill(os.getpid(), number)


def _machine() -> str:
    try:
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:  # no Linux
        return ""


def _fields(pid: int) -> tuple[str, str]:
    """The state of a process and when it started; empty if there is none."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "", ""
    return after_name[0], after_name[19]
