"""Write a run as one HTML file: results, curves, findings, settings and rollouts. It opens in any browser, also without a network.

    r1lite report RUN [RUN ...] [output=report.html] [rollouts=24000]

RUN is a run directory, finished, going on or broken off; several share the charts. The file makes no request to anywhere. It holds
up to `rollouts` rollouts, in whole groups spread over the steps; the run directory keeps all.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from r1lite.commands import _shell

OWN = ("output", "rollouts")


def main() -> None:
    _shell.run(_report, help=__doc__)


def _report(arguments: Sequence[str]) -> None:
    from r1lite.console import say
    from r1lite.page.data import Reader, gather
    from r1lite.page.document import document
    from r1lite.page.folder import open_folder
    from r1lite.page.sample import MAX_ROLLOUTS
    from r1lite.store.files import atomic

    folders = [a for a in arguments if a.partition("=")[0] not in OWN]
    own = _shell.parse_settings([a for a in arguments if a.partition("=")[0] in OWN], OWN)
    if not folders:
        raise ValueError("name a run directory: r1lite report runs/demo")
    count = own.get("rollouts", str(MAX_ROLLOUTS))
    if not count.isdigit():
        raise ValueError(f"rollouts must be a number, got {count!r}")
    output = Path(own.get("output") or "report.html").expanduser()
    if output.is_dir():
        raise ValueError(f"output must be a file, and {output} is a folder: output={output}/report.html")
    readers = [Reader(open_folder(folder)) for folder in folders]
    made = gather(readers, rollouts=int(count))
    with atomic(output.resolve()) as part:
        part.write_text(document(made["overview"], made["rollouts"]), encoding="utf-8")
    for run in made["overview"]["runs"]:
        for note in run["notes"]:
            say(f"{run['name']}: {note}")
    for note in made["overview"]["notes"]:
        say(note)
    say(f"{output} ({output.stat().st_size / 1e6:.1f} MB)")
