"""Self-test at every start, before any program of a model: test programs try to read a planted secret and to break out."""

from __future__ import annotations

import secrets
import tempfile
from typing import TYPE_CHECKING, NamedTuple

from .types import Limits, Program, SandboxError

if TYPE_CHECKING:
    from .box import Sandbox

HELD = "held"


class Canary(NamedTuple):
    """An attack. It prints what it obtained, or ends with an OSError (with a ZeroDivisionError if there is no call to fail)."""

    what: str
    code: str


CANARIES = (
    Canary("no file of the machine is readable", "print(open(SECRET).read())"),
    Canary("nothing outside its own folder is writable", "open('/usr/planted', 'w'); open('/dev/shm/planted', 'w')"),
    Canary("no network", "import socket; socket.create_connection(('127.0.0.1', 22), 1)"),
    Canary("no sockets at all", "import socket; socket.socket(socket.AF_UNIX)"),
    Canary("no other process can be started", "import os; os.fork()"),
    Canary("no other process is visible", "import os; print(os.listdir('/proc'))"),
    Canary("no other process can be signalled", "import os; os.kill(os.getppid() or 2, 0)"),
    Canary("no environment variable is passed on", "import os; print(set(os.environ) - NAMES or 1 / 0)"),
)
NAMES = {"PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE"}
_ATTACK = """
SECRET, NAMES = {secret!r}, {names!r}
try:
    exec({code!r})
except (OSError, ZeroDivisionError):
    print("held")
"""


def examine(box: Sandbox) -> list[tuple[Canary, str]]:
    """Every canary with its output: HELD, or what it obtained."""
    secret = secrets.token_hex(16)
    with tempfile.NamedTemporaryFile("w", prefix="planted-") as file:
        file.write(secret)
        file.flush()
        limits = Limits(seconds=10)
        results = box.run(
            Program(code=_ATTACK.format(secret=file.name, names=NAMES, code=canary.code), limits=limits) for canary in CANARIES
        )
    outputs = [result.stdout.strip() or result.stderr.strip() or result.status for result in results]
    return list(zip(CANARIES, outputs, strict=True))


def check(box: Sandbox) -> None:
    broken = [f"{canary.what}: {output}" for canary, output in examine(box) if output != HELD]
    if broken:
        raise SandboxError("the sandbox is not secure on this machine; these protections failed: " + "; ".join(broken))
