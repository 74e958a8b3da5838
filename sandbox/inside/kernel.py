"""System calls that the standard library does not offer, called by number."""

from __future__ import annotations

import ctypes
import os
from typing import Final

from .syscalls import number

CLONE_NEWNS: Final = 0x0002_0000
CLONE_NEWIPC: Final = 0x0800_0000
CLONE_NEWUSER: Final = 0x1000_0000
CLONE_NEWPID: Final = 0x2000_0000
CLONE_NEWNET: Final = 0x4000_0000
CLONE_PIDFD: Final = 0x1000
SIGCHLD: Final = 17
MS_NOSUID_NODEV: Final = 2 | 4
MNT_DETACH: Final = 2
PR_SET_PDEATHSIG: Final = 1
PR_SET_DUMPABLE: Final = 4
PR_SET_NO_NEW_PRIVS: Final = 38
SECCOMP_SET_MODE_FILTER: Final = 1
CAPABILITY_VERSION_3: Final = 0x2008_0522

# PyDLL holds the interpreter's lock during a call. If clone released it, both processes would return, but only one can take it back.
_call = ctypes.PyDLL(None, use_errno=True).syscall
_call.argtypes = [ctypes.c_long] * 7
_call.restype = ctypes.c_long
# Looked up once here: the first use of an attribute of pythonapi searches all libraries, and every child would be the first.
_before_fork = ctypes.pythonapi.PyOS_BeforeFork
_after_fork_parent = ctypes.pythonapi.PyOS_AfterFork_Parent
_after_fork_child = ctypes.pythonapi.PyOS_AfterFork_Child
# Must stay alive: an empty capability set, and the header for "this process".
_NO_CAPABILITIES = (ctypes.c_uint32 * 6)()
_THIS_PROCESS = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)


def call(name: str, *arguments: int) -> int:
    """The result of the call; OSError with its name if it fails."""
    result = _call(number[name], *arguments, *(0,) * (6 - len(arguments)))
    if result < 0:
        errno = ctypes.get_errno()
        raise OSError(errno, f"{name}: {os.strerror(errno)}")
    return result


def address(text: bytes) -> int:
    """The address of these bytes, valid while the caller keeps them alive."""
    return ctypes.cast(ctypes.c_char_p(text), ctypes.c_void_p).value or 0


def prctl(option: int, value: int) -> None:
    call("prctl", option, value)


def mount_tmpfs(folder: bytes, options: bytes) -> None:
    call("mount", address(b"tmpfs"), address(folder), address(b"tmpfs"), MS_NOSUID_NODEV, address(options))


def detach(folder: bytes) -> None:
    call("umount2", address(folder), MNT_DETACH)


def drop_capabilities() -> None:
    call("capset", ctypes.addressof(_THIS_PROCESS), ctypes.addressof(_NO_CAPABILITIES))


def clone(flags: int) -> tuple[int, int]:
    """Fork into new namespaces. Returns (process id, pidfd) in the parent, and (0, -1) in the child."""
    pidfd = ctypes.c_int(-1)
    _before_fork()
    pid = _call(number["clone"], flags | CLONE_PIDFD | SIGCHLD, 0, ctypes.addressof(pidfd), 0, 0, 0)
    if pid == 0:
        _after_fork_child()
        return 0, -1
    errno = ctypes.get_errno()
    _after_fork_parent()
    if pid < 0:
        raise OSError(errno, f"clone: {os.strerror(errno)}")
    return pid, pidfd.value
