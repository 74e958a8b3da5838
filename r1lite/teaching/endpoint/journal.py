"""A file that grows by whole lines, each on the disk before the next: what was paid for is not lost."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


class Journal:
    """One JSON object a line. Covered: a process or a machine that dies while a line is written. One process writes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._cut_the_unfinished()

    def rows(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        return [self._parsed(line, number) for number, line in enumerate(self.path.read_bytes().splitlines(), start=1) if line.strip()]

    def append(self, row: dict[str, Any]) -> None:
        line = json.dumps(row, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        with self.path.open("ab", buffering=0) as file:
            file.write(line)
            os.fsync(file.fileno())

    def _cut_the_unfinished(self) -> None:
        """A last line without its end was being written when all stopped; what follows must not be glued to it."""
        if not self.path.exists():
            return
        text = self.path.read_bytes()
        whole = text.rfind(b"\n") + 1
        if whole < len(text):
            os.truncate(self.path, whole)

    def _parsed(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"{self.path}, line {number}: this is not JSON ({error}). Mend or remove that line to go on.") from error
        if not isinstance(row, dict):
            raise ValueError(f"{self.path}, line {number}: a line is one object, got {row!r:.60}. Mend or remove that line to go on.")
        return row
