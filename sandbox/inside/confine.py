"""Restricts a new process before it runs a program: namespaces, files, memory, system calls. In this order."""

from __future__ import annotations

import math
import os
import resource
import signal
from typing import Final, NamedTuple

from . import kernel, landlock
from .filter import Filter, build
from .wire import Request

BOX: Final = "/box/tmp"
# The parent of BOX, because landlock also checks the folder that a file system is mounted on.
WRITABLE: Final = ("/box", "/dev/null")
# Descriptors of a program's report, and of its connection to a test's driver.
REPORT_FD, CHANNEL_FD = 3, 4
_NAMESPACES: Final = kernel.CLONE_NEWUSER | kernel.CLONE_NEWPID | kernel.CLONE_NEWNS | kernel.CLONE_NEWIPC
_NOBODY: Final = 65534


class Confinement(NamedTuple):
    """Created once by the fork server, and applied by every program to itself."""

    tier: str
    flags: int  # for clone
    proc: int  # descriptor of a /proc that is no longer mounted; -1 without namespaces
    rules: int  # of landlock; -1 if there are none
    filter: Filter | None
    baseline: int  # bytes of address space that the interpreter uses before any program

    def apply(self, request: Request, descriptors: list[int]) -> None:
        if self.tier == "full":
            _map_user(self.proc)
            kernel.mount_tmpfs(BOX.encode(), f"size={request.disk},nr_inodes={request.files + 1},mode=700".encode())
            os.chdir(BOX)
        for target, descriptor in enumerate(descriptors):
            os.dup2(descriptor, target)
        _limit(request, self)
        if self.tier != "full":
            # With namespaces this is not needed: they end with the fork server.
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        # A signal to a process group crosses namespaces, and all programs would be in the fork server's group.
        os.setsid()
        if self.tier != "unsafe":
            kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
            kernel.drop_capabilities()
        if self.rules >= 0:
            landlock.restrict(self.rules)
        os.closerange(len(descriptors), 1 << 30)
        if self.filter:
            self.filter.install()


def prepare(tier: str, readable: list[str], *, fresh_network: bool) -> Confinement:
    """`readable` lists the paths of the interpreter and its libraries."""
    full = tier == "full"
    rules = -1
    if tier != "unsafe" and landlock.version():
        rules = landlock.ruleset(read=[*readable, "/dev/null", "/dev/zero", "/dev/urandom"], write=WRITABLE if full else ("/dev/null",))
    proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY) if full else -1
    with open("/proc/self/statm", encoding="ascii") as file:
        baseline = int(file.read().split()[0]) * resource.getpagesize()
    if full:
        kernel.detach(b"/proc")
    if tier == "reduced" and rules < 0:
        raise SystemExit("the reduced tier needs landlock, and this kernel has none")
    filter = None if tier == "unsafe" else Filter(build(threads=full, signals=full))
    # The jail has its own network namespace and runs one program at a time. A new one per program costs a fifth of the speed or more.
    flags = (_NAMESPACES | (kernel.CLONE_NEWNET if fresh_network else 0)) if full else 0
    return Confinement(tier, flags, proc, rules, filter, baseline)


def _map_user(proc: int) -> None:
    """Without a mapping, files that the program creates would have no owner, and it could not create any."""
    user, group = os.getuid(), os.getgid()
    for name, text in (("uid_map", f"{_NOBODY} {user} 1"), ("setgroups", "deny"), ("gid_map", f"{_NOBODY} {group} 1")):
        file = os.open(f"self/{name}", os.O_WRONLY, dir_fd=proc)
        os.write(file, text.encode())
        os.close(file)


def _limit(request: Request, confinement: Confinement) -> None:
    full = confinement.tier == "full"
    limits = {
        resource.RLIMIT_AS: confinement.baseline + request.memory,
        # As a fallback: the fork server checks the clocks more precisely.
        resource.RLIMIT_CPU: math.ceil(request.cpu_seconds) + 1,
        resource.RLIMIT_FSIZE: max(request.output + 1, request.disk if confinement.tier != "reduced" else 0),
        resource.RLIMIT_NOFILE: request.open_files,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
    }
    if full:
        # Counted per user namespace, so for this program only.
        limits[resource.RLIMIT_NPROC] = request.threads
    for name, value in limits.items():
        _, maximum = resource.getrlimit(name)
        value = value if maximum == resource.RLIM_INFINITY else min(value, maximum)
        resource.setrlimit(name, (value, value))
