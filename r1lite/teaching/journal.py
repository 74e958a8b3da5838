"""An append-only file of JSON lines, each synced to disk before the next, so that no paid answer is lost."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


class Journal:
    """One JSON object per line. Covered: a crash of process or machine while a line is written. Not covered: several writers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._truncate_partial_line()

    def rows(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        return [self._parsed(line, number) for number, line in enumerate(self.path.read_bytes().splitlines(), start=1) if line.strip()]

    def append(self, row: dict[str, Any]) -> None:
        line = json.dumps(row, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        with self.path.open("ab", buffering=0) as file:
            file.write(line)
            os.fsync(file.fileno())

    def _truncate_partial_line(self) -> None:
        """Remove a last line without a newline: a crash interrupted it, and the next line must not be appended to it."""
        if not self.path.exists():
            return
        text = self.path.read_bytes()
        complete = text.rfind(b"\n") + 1
        if complete < len(text):
            os.truncate(self.path, complete)

    def _parsed(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"{self.path}, line {number}: this is not JSON ({error}). Fix or remove the line.") from error
        if not isinstance(row, dict):
            raise ValueError(f"{self.path}, line {number}: a line must be one JSON object, got {row!r:.60}. Fix or remove the line.")
        return row
