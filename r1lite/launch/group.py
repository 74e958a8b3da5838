"""Runs a command together with all processes that it starts. They end with it, with this process, and with the launcher.

    python -m r1lite.launch.group PARENT COMMAND...

PARENT is the process id of the launcher. SIGTERM and SIGINT are passed on to the command; SIGUSR1, which the kernel sends when the
launcher is gone, ends all at once. The exit code, or the signal, is the command's.

Covered, on Linux: kill -9 of the launcher, of this process, or of any process of the command. vLLM's API server leaves its engine
behind when it is killed, with all of its memory; here such orphans become children of this process, which ends them. If this process
is killed, the launcher ends the group. Not covered: both killed together.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from r1lite.parallel.process import PR_SET_PDEATHSIG, signal_at_end_of

PR_SET_CHILD_SUBREAPER = 36  # from linux/prctl.h
END_ALL = signal.SIGUSR1
WATCHED = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, END_ALL)


def main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    signal_at_end_of(parent, END_ALL)
    _control(PR_SET_CHILD_SUBREAPER, 1)
    try:
        child = subprocess.Popen(command, preexec_fn=_in_child)  # safe, since this process has one thread
    except OSError as error:
        sys.exit(f"error: {command[0]} cannot be started: {error.strerror}")
    while child.poll() is None:
        number = signal.sigwait(WATCHED)
        if number == END_ALL:
            break
        if number != signal.SIGCHLD:
            child.send_signal(number)
    _end_children(child)
    code = child.wait()
    if code < 0:
        _die_of(-code)
    sys.exit(code)


def _die_of(number: int) -> None:
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)
    os.kill(os.getpid(), number)


def _in_child() -> None:
    """The command ends with this process, even if that is killed."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)
    _control(PR_SET_PDEATHSIG, signal.SIGKILL)


def _end_children(child: subprocess.Popen[bytes]) -> None:
    """Kill children until there are none. Those of a killed one become our own."""
    if child.poll() is None:
        child.kill()
        child.wait()
    while pids := _children():
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in pids:
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _children() -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.append(int(path.parent.name))
    return found


def _control(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value)


if __name__ == "__main__":
    main()
