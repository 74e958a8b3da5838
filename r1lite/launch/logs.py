"""What the processes print: shown in the terminal, and quoted where one has failed."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from r1lite.launch.process import Running

KEPT_LINES = 200  # of each part
SHOWN_LINES = 8  # in a message
ERROR = re.compile(r"\b\w*(Error|Exception)\b[:(]|^error: |out of memory", re.IGNORECASE)


class Logs:
    """The logs of a run, one file a part."""

    def __init__(self, folder: Path, *, verbose: bool) -> None:
        self.folder, self.verbose = folder, verbose
        self.last: dict[str, list[str]] = {}  # the last lines of each part

    def file(self, part: str) -> Path:
        return self.folder / f"{part}.log"

    def show(self, running: Running, *, shown: bool = False, prefixed: bool = True) -> None:
        """Take a part's new output, and print it: always if `shown`, else if the user wants to see everything."""
        text, name = running.new_output(), running.part.name
        if not text:
            return
        self.last[name] = [*self.last.get(name, []), *text.splitlines()][-KEPT_LINES:]
        if shown or self.verbose:
            sys.stdout.write("".join(f"{name} | {line}\n" for line in text.splitlines()) if prefixed else text)
            sys.stdout.flush()

    def last_words(self, running: Running) -> str:
        """The lines that may say what went wrong, for the end of a message."""
        self.show(running)
        name = running.part.name
        lines = self.last.get(name, [])
        telling = [*dict.fromkeys(line.strip() for line in lines if ERROR.search(line))] or lines
        if not telling:
            return f". Its log, {self.file(name)}, is empty"
        return f". From {self.file(name)}:" + "".join(f"\n  {line[:300]}" for line in telling[-SHOWN_LINES:])


def say(text: str) -> None:
    print(f"launch: {text}", file=sys.stderr, flush=True)
