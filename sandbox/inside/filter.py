"""The seccomp filter: an allowlist of system calls, as a small program that the kernel runs before every call.

The tables are in syscalls.py. A refused call fails with EPERM, so that honest code sees a PermissionError and is not killed.
The lookup is a binary search: the kernel runs the filter over every number once when it is installed, so a long chain of
comparisons would cost every program more than all other protection.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from typing import Final

from .kernel import SECCOMP_SET_MODE_FILTER, call
from .syscalls import allowed, number

ALLOW: Final = 0x7FFF_0000
KILL: Final = 0x8000_0000
DENY: Final = 0x0005_0000 | errno.EPERM
# glibc then falls back to clone, whose flags a filter can read.
ABSENT: Final = 0x0005_0000 | errno.ENOSYS

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_AUDIT_ARCH: Final = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}

# Exactly the flags that pthread_create of glibc and of musl use. Anything else would create a process or a namespace.
_THREAD: Final = (0x003D_0F00, 0x007D_0F00)
_AF_UNIX: Final = 1
# None, MSG_DONTWAIT, MSG_NOSIGNAL, both. Without the other flags and sendmsg, messages carry no descriptors and no urgent data,
# features that have had unusually many bugs in the kernel.
_SEND_FLAGS: Final = (0, 0x40, 0x4000, 0x4040)
# TCGETS and TIOCGWINSZ (is it a terminal?), FIONREAD, FIONBIO, FIOCLEX, FIONCLEX.
_IOCTLS: Final = (0x5401, 0x5413, 0x541B, 0x5421, 0x5451, 0x5450)
# Owners and signals of descriptors affect other processes; leases, notifications and larger pipes use kernel memory.
_FCNTLS_REFUSED: Final = (8, 10, 15, 1024, 1026, 1031)

Instruction = tuple[int, int, int, int]


def _return(action: int) -> list[Instruction]:
    return [(_RETURN, 0, 0, action)]


def _by_argument(index: int, values: tuple[int, ...], *, listed: int, others: int) -> list[Instruction]:
    """Compare the low half of an argument: all those used here are ints in the kernel."""
    checks = [(_EQUAL, len(values) - i, 0, value) for i, value in enumerate(values)]
    return [(_LOAD, 0, 0, 16 + 8 * index), *checks, *_return(others), *_return(listed)]


def _guards(*, threads: bool, signals: bool) -> dict[str, list[Instruction]]:
    guards = {
        "clone3": _return(ABSENT),
        "ioctl": _by_argument(1, _IOCTLS, listed=ALLOW, others=DENY),
        "fcntl": _by_argument(1, _FCNTLS_REFUSED, listed=DENY, others=ALLOW),
        "socketpair": _by_argument(0, (_AF_UNIX,), listed=ALLOW, others=DENY),
        "prlimit64": _by_argument(0, (0,), listed=ALLOW, others=DENY),
        "sendto": _by_argument(3, _SEND_FLAGS, listed=ALLOW, others=DENY),
    }
    if threads:
        guards["clone"] = _by_argument(0, _THREAD, listed=ALLOW, others=DENY)
    if not signals:
        guards |= {name: _return(DENY) for name in ("kill", "tkill", "tgkill")}
    return guards


def _search(leaves: list[tuple[int, list[Instruction]]]) -> list[Instruction]:
    """A binary search. Each leaf decides the numbers from its own up to that of the next leaf."""
    if len(leaves) == 1:
        return leaves[0][1]
    middle = len(leaves) // 2
    below, above = _search(leaves[:middle]), _search(leaves[middle:])
    assert len(below) < 256, "a jump in the filter is one byte"
    return [(_AT_LEAST, len(below), 0, leaves[middle][0]), *below, *above]


def build(*, threads: bool, signals: bool) -> bytes:
    """The filter's instructions. `signals`: whether signals may be sent, which needs a pid namespace to contain them."""
    special = {number[name]: code for name, code in _guards(threads=threads, signals=signals).items()}
    decided = {n: _return(ALLOW) for n in allowed.values()} | special
    leaves: list[tuple[int, list[Instruction]]] = [(0, _return(DENY))]
    for n in sorted(decided):
        if leaves[-1][0] == n:
            leaves.pop()
        if not leaves or leaves[-1][1] != decided[n]:
            leaves.append((n, decided[n]))
        if n + 1 not in decided:
            leaves.append((n + 1, _return(DENY)))
    arch = _AUDIT_ARCH[platform.machine()]
    head = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, arch), *_return(KILL), (_LOAD, 0, 0, 0)]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in [*head, *_search(leaves)])


class Filter:
    """The filter in memory, which each program's process installs."""

    def __init__(self, instructions: bytes) -> None:
        self._instructions = ctypes.create_string_buffer(instructions, len(instructions))
        self._program = ctypes.create_string_buffer(struct.pack("@HP", len(instructions) // 8, ctypes.addressof(self._instructions)))

    def install(self) -> None:
        call("seccomp", SECCOMP_SET_MODE_FILTER, 0, ctypes.addressof(self._program))
