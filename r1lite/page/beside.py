"""`watch=true`: the page of a run beside its training, in a process of its own with a lower priority.

The process ends when the trainer closes its end of a pipe, which the system does for a trainer that is killed. If it cannot start,
a line says so and the run goes on.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from r1lite.config import PACKAGE
from r1lite.console import console, say
from r1lite.store.files import from_here

NICENESS = 10


@contextmanager
def page_beside(folder: Path) -> Iterator[None]:
    """Serve the page of this run directory, and print its address as soon as it is known."""
    path = os.pathsep.join([str(PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "r1lite.page.beside", str(folder)]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C is for the trainer, which ends this process in turn
        )
    except OSError as error:
        say(f"watch: the page could not be started ({error}); the run goes on without it")
        yield
        return
    out = console()
    threading.Thread(target=_announce, args=(process, out.print), daemon=True).start()
    try:
        yield
    finally:
        assert process.stdin
        process.stdin.close()
        process.wait()
    say(f"the page ended with the run; r1lite watch {from_here(folder)} shows it again")


def _announce(process: subprocess.Popen[str], tell: object) -> None:
    assert process.stdout
    line = process.stdout.readline().strip()
    assert callable(tell)
    tell(f"watch this run at {line}" if line else "watch: the page could not be started; the run goes on without it", soft_wrap=True)


def main() -> None:
    """Serve until the standard input ends."""
    from r1lite.page.data import Reader
    from r1lite.page.folder import open_folder
    from r1lite.page.live import Live
    from r1lite.page.server import Server

    os.nice(NICENESS)
    server = Server(Live([Reader(open_folder(sys.argv[1]))]))
    print(server.address, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
