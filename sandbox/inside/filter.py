"""The seccomp filter: an allowlist of system calls as a small program that the kernel runs before each of them.

The tables are in syscalls.py. A refused call fails with EPERM, so that honest code sees a PermissionError and not a
death. Looked up by halves: the kernel runs the filter over every number once when it is installed, so a long chain of
comparisons would cost every program more than all its other protection.
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
# glibc then asks the old way, whose flags a filter can read.
ABSENT: Final = 0x0005_0000 | errno.ENOSYS

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_AUDIT_ARCH: Final = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}

# Exactly what pthread_create of glibc and of musl asks for. Anything else would be a process, or a namespace.
_THREAD: Final = (0x003D_0F00, 0x007D_0F00)
_AF_UNIX: Final = 1
# None, MSG_DONTWAIT, MSG_NOSIGNAL, both. Without the rest, and without sendmsg, no descriptors and no urgent bytes travel in
# messages: kernel code of which little else has had as many faults.
_SEND_FLAGS: Final = (0, 0x40, 0x4000, 0x4040)
# TCGETS and TIOCGWINSZ (is this a terminal), FIONREAD, FIONBIO, FIOCLEX, FIONCLEX.
_IOCTLS: Final = (0x5401, 0x5413, 0x541B, 0x5421, 0x5451, 0x5450)
# Owners and signals of descriptors reach other processes; leases, notices and larger pipes take kernel memory.
_FCNTLS_REFUSED: Final = (8, 10, 15, 1024, 1026, 1031)

Instruction = tuple[int, int, int, int]


def _give(action: int) -> list[Instruction]:
    return [(_RETURN, 0, 0, action)]


def _by_argument(index: int, values: tuple[int, ...], *, listed: int, others: int) -> list[Instruction]:
    """Low half of an argument: each of those used here is an int to the kernel."""
    checks = [(_EQUAL, len(values) - at, 0, value) for at, value in enumerate(values)]
    return [(_LOAD, 0, 0, 16 + 8 * index), *checks, *_give(others), *_give(listed)]


def _guards(*, threads: bool, signals: bool) -> dict[str, list[Instruction]]:
    guards = {
        "clone3": _give(ABSENT),
        "ioctl": _by_argument(1, _IOCTLS, listed=ALLOW, others=DENY),
        "fcntl": _by_argument(1, _FCNTLS_REFUSED, listed=DENY, others=ALLOW),
        "socketpair": _by_argument(0, (_AF_UNIX,), listed=ALLOW, others=DENY),
        "prlimit64": _by_argument(0, (0,), listed=ALLOW, others=DENY),
        "sendto": _by_argument(3, _SEND_FLAGS, listed=ALLOW, others=DENY),
    }
    if threads:
        guards["clone"] = _by_argument(0, _THREAD, listed=ALLOW, others=DENY)
    if not signals:
        guards |= {name: _give(DENY) for name in ("kill", "tkill", "tgkill")}
    return guards


def _search(leaves: list[tuple[int, list[Instruction]]]) -> list[Instruction]:
    """Each leaf decides the numbers from its own up to the next one's."""
    if len(leaves) == 1:
        return leaves[0][1]
    middle = len(leaves) // 2
    below, above = _search(leaves[:middle]), _search(leaves[middle:])
    assert len(below) < 256, "a jump in the filter is one byte"
    return [(_AT_LEAST, len(below), 0, leaves[middle][0]), *below, *above]


def build(*, threads: bool, signals: bool) -> bytes:
    """The filter's instructions. Without `signals`, none may be sent: where there is no pid namespace to hold them."""
    special = {number[name]: code for name, code in _guards(threads=threads, signals=signals).items()}
    decided = {n: _give(ALLOW) for n in allowed.values()} | special
    leaves: list[tuple[int, list[Instruction]]] = [(0, _give(DENY))]
    for n in sorted(decided):
        if leaves[-1][0] == n:
            leaves.pop()
        if not leaves or leaves[-1][1] != decided[n]:
            leaves.append((n, decided[n]))
        if n + 1 not in decided:
            leaves.append((n + 1, _give(DENY)))
    arch = _AUDIT_ARCH[platform.machine()]
    head = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, arch), *_give(KILL), (_LOAD, 0, 0, 0)]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in [*head, *_search(leaves)])


class Filter:
    """The filter in memory, ready to be installed by each program's process."""

    def __init__(self, instructions: bytes) -> None:
        self._instructions = ctypes.create_string_buffer(instructions, len(instructions))
        self._program = ctypes.create_string_buffer(struct.pack("@HP", len(instructions) // 8, ctypes.addressof(self._instructions)))

    def install(self) -> None:
        call("seccomp", SECCOMP_SET_MODE_FILTER, 0, ctypes.addressof(self._program))
