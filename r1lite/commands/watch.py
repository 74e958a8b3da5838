"""Show a run in a browser while it goes on: the page of `r1lite report`, which follows the run directory.

    r1lite watch RUN [RUN ...] [port=N]

The page is served on this machine alone, at the address that is printed, which holds a token; without it nothing can be read. A run
that is finished or broken off is shown as well. The run directory is only read. Over ssh, forward the port:
ssh -L N:127.0.0.1:N HOST. `watch=true` starts the same page beside training.
"""

from __future__ import annotations

from collections.abc import Sequence

from r1lite.commands import _shell


def main() -> None:
    _shell.run(_watch, help=__doc__, stopped="stopped")


def _watch(arguments: Sequence[str]) -> None:
    from r1lite.console import say
    from r1lite.page.data import Reader
    from r1lite.page.folder import open_folder
    from r1lite.page.live import Live
    from r1lite.page.server import Server

    own = _shell.parse_settings([a for a in arguments if a.startswith("port=")], ("port",))
    folders = [a for a in arguments if not a.startswith("port=")]
    if not folders:
        raise ValueError("name a run directory: r1lite watch runs/demo")
    port = own.get("port", "0")
    if not port.isdigit() or int(port) > 65535:
        raise ValueError(f"port must be a number up to 65535, got {port!r}")
    server = Server(Live([Reader(open_folder(folder)) for folder in folders]), int(port))
    say(f"{', '.join(reader.run.name for reader in server.live.readers)}: {server.address}\nCtrl-C ends it.")
    server.serve_forever()
