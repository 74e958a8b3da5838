"""Landlock: the files that a process may access. The kernel enforces it irrevocably, whatever is mounted where."""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from collections.abc import Iterable
from typing import Final

from .kernel import call

_VERSION: Final = 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_TRUNCATE: Final = 1 << 14
READ: Final = _READ_FILE | _READ_DIR
# The number of rights over files in each version of the interface.
_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15}
_TCP_BIND_AND_CONNECT: Final = 3
_ABSTRACT_SOCKETS_AND_SIGNALS: Final = 3
_BENEATH: Final = 1


def version() -> int:
    """The version of the kernel's interface; 0 if it has no landlock."""
    try:
        return call("landlock_create_ruleset", 0, 0, _VERSION)
    except OSError:
        return 0


def ruleset(*, read: Iterable[str], write: Iterable[str]) -> int:
    """A descriptor of a set of rules. Files that are not beneath one of these paths can be neither read nor written."""
    supported = version()
    everything = (1 << _FILE_RIGHTS.get(supported, 16)) - 1
    net = _TCP_BIND_AND_CONNECT if supported >= 4 else 0
    scoped = _ABSTRACT_SOCKETS_AND_SIGNALS if supported >= 6 else 0
    attributes = struct.pack("=QQQ", everything, net, scoped)[: 24 if supported >= 6 else 16 if supported >= 4 else 8]
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    rules = call("landlock_create_ruleset", ctypes.addressof(buffer), len(attributes), 0)
    for path in read:
        _allow(rules, path, READ)
    for path in write:
        _allow(rules, path, everything & ~_EXECUTE)
    return rules


def _allow(rules: int, path: str, rights: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
        if not os.path.isdir(path):
            rights &= _READ_FILE | _WRITE_FILE | _TRUNCATE
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, beneath), 12)
        call("landlock_add_rule", rules, _BENEATH, ctypes.addressof(rule), 0)
        os.close(beneath)


def restrict(rules: int) -> None:
    call("landlock_restrict_self", rules, 0)
