"""What a new process takes from itself before it runs a program: names, files, memory, calls. In this order."""

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
# In the parent of BOX, because landlock looks past the root of a mount to what it is mounted in.
WRITABLE: Final = ("/box", "/dev/null")
# Where a program's report goes, and its talk with a test's driver.
REPORT_FD, CHANNEL_FD = 3, 4
_NAMESPACES: Final = kernel.CLONE_NEWUSER | kernel.CLONE_NEWPID | kernel.CLONE_NEWNS | kernel.CLONE_NEWIPC
_NOBODY: Final = 65534


class Confinement(NamedTuple):
    """Made once by the fork server, put on by every program."""

    tier: str
    flags: int  # for clone
    proc: int  # a descriptor of a /proc that is mounted nowhere; -1 without namespaces
    rules: int  # landlock's; -1 without
    filter: Filter | None
    held: int  # bytes of address space that the interpreter has before any program

    def put_on(self, request: Request, descriptors: list[int]) -> None:
        if self.tier == "full":
            _map_user(self.proc)
            kernel.mount_tmpfs(BOX.encode(), f"size={request.disk},nr_inodes={request.files + 1},mode=700".encode())
            os.chdir(BOX)
        for target, descriptor in enumerate(descriptors):
            os.dup2(descriptor, target)
        _limit(request, self)
        if self.tier != "full":
            # With namespaces it could not outlive the fork server.
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        # A signal to a process group passes through namespaces, and in that of the fork server are all.
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
    """`readable`: where the interpreter and its libraries lie."""
    full = tier == "full"
    rules = -1
    if tier != "unsafe" and landlock.version():
        rules = landlock.ruleset(read=[*readable, "/dev/null", "/dev/zero", "/dev/urandom"], write=WRITABLE if full else ("/dev/null",))
    proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY) if full else -1
    with open("/proc/self/statm", encoding="ascii") as file:
        held = int(file.read().split()[0]) * resource.getpagesize()
    if full:
        kernel.detach(b"/proc")
    if tier == "reduced" and rules < 0:
        raise SystemExit("the reduced tier needs landlock, which this kernel does not have")
    filter = None if tier == "unsafe" else Filter(build(threads=full, signals=full))
    # The jail has a network namespace of its own, and one program at a time; a new one for each costs a fifth of the speed or more.
    flags = (_NAMESPACES | (kernel.CLONE_NEWNET if fresh_network else 0)) if full else 0
    return Confinement(tier, flags, proc, rules, filter, held)


def _map_user(proc: int) -> None:
    """Without a mapping nobody owns what the program writes, and it can write nothing."""
    user, group = os.getuid(), os.getgid()
    for name, text in (("uid_map", f"{_NOBODY} {user} 1"), ("setgroups", "deny"), ("gid_map", f"{_NOBODY} {group} 1")):
        file = os.open(f"self/{name}", os.O_WRONLY, dir_fd=proc)
        os.write(file, text.encode())
        os.close(file)


def _limit(request: Request, worn: Confinement) -> None:
    full = worn.tier == "full"
    limits = {
        resource.RLIMIT_AS: worn.held + request.memory,
        # A backstop: the fork server looks at the clocks more finely.
        resource.RLIMIT_CPU: math.ceil(request.cpu_seconds) + 1,
        resource.RLIMIT_FSIZE: max(request.output + 1, request.disk if worn.tier != "reduced" else 0),
        resource.RLIMIT_NOFILE: request.open_files,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
    }
    if full:
        # Counted for each user namespace, so for this program alone.
        limits[resource.RLIMIT_NPROC] = request.threads
    for name, value in limits.items():
        _, most = resource.getrlimit(name)
        value = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(name, (value, value))
