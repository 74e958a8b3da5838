"""The first process in the jail, started with TIER CONTROL_FD NETWORK READABLE_PATH... Loads what programs need, then serves."""

from __future__ import annotations

import contextlib
import fcntl
import gc
import importlib
import json
import os
import signal
import socket
import sys
from typing import Final

from . import kernel, landlock
from .confine import Confinement, prepare
from .program import run_as, warm_up
from .server import Server

# The modules that programs import most, so that no program has to wait for them.
PRELOADED: Final = (
    "abc array ast atexit bisect builtins collections collections.abc contextlib copy ctypes dataclasses datetime decimal enum fractions "
    "functools hashlib heapq io itertools json linecache math numbers operator os random re resource select signal socket statistics "
    "string struct sys textwrap threading time traceback types typing warnings"
).split()
# The environment variables that programs see.
ENVIRONMENT: Final = {"PATH", "HOME", "TMPDIR", "LANG", "LC_ALL"}
_NOBODY: Final = 65534
_FIRST_FREE: Final = 8


def _become_nobody() -> None:
    """The machine's root has privileges, and exemptions from limits, that no program should have."""
    os.setgroups([])
    os.setresgid(_NOBODY, _NOBODY, _NOBODY)
    os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    # After a change of user, the process's /proc files belong to root, and its parent-death signal is cleared.
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)


def _prepare(tier: str, network: str, readable: list[str]) -> Confinement:
    confinement = prepare(tier, readable, fresh_network=network == "fresh")
    if tier == "full" and os.getuid() == 0:
        _become_nobody()
    if tier != "unsafe":
        kernel.drop_capabilities()
    return confinement


def _forget_the_jail() -> None:
    """Remove this package from the loaded modules, and traces of how the server was started, before programs run."""
    for name in [name for name in sys.modules if name.split(".")[0] == __package__]:
        del sys.modules[name]
    for name in os.environ.keys() - ENVIRONMENT:
        del os.environ[name]
    sys.argv[:] = ["program.py"]


def main() -> None:
    tier, number, network, readable = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]
    control = socket.socket(fileno=fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE))
    os.close(number)
    # Occupy the low numbers, so that passing descriptors to a program never overwrites another descriptor.
    while os.open(os.devnull, os.O_RDWR) < _FIRST_FREE:
        pass
    for name in PRELOADED:
        importlib.import_module(name)
    confinement = _prepare(tier, network, readable)
    control.send(json.dumps({"pid": os.getpid(), "landlock": landlock.version()}).encode())
    warm_up()
    _forget_the_jail()
    gc.collect()
    gc.disable()
    gc.freeze()
    role = None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        role = Server(control, confinement).serve()
    if role is None:
        os._exit(0)
    run_as(role, confinement)
