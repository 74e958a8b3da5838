"""Replies on disk: one file per request, named by its hash.

Covered: several processes that ask the same at the same time (the first reply counts for all of them), a crash of process or
machine while a file is written. Not covered: removing what is not needed any more.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from r1lite.endpoint.completion import Answer


class Cache:
    """The replies in a folder; with an empty name, nothing is kept."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder).expanduser() if folder else None

    def get(self, key: str) -> Answer | None:
        if self.folder is None or not (path := self._path(self.folder, key)).is_file():
            return None
        try:
            return Answer(**json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path} is not a saved reply: {error}. Delete the file, and the judge is asked again.") from error

    def put(self, answer: Answer) -> Answer:
        """Save a reply. Returns the reply that is saved: if another process was first, it is that process's."""
        if self.folder is None:
            return answer
        path = self._path(self.folder, answer.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=".")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
                json.dump(asdict(answer), file, ensure_ascii=False)
                file.flush()
                os.fsync(file.fileno())
            _name(part, path)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(part)
        return self.get(answer.key) or answer

    def _path(self, folder: Path, key: str) -> Path:
        return folder / key[:2] / f"{key}.json"


def _name(part: str, path: Path) -> None:
    """Give the file its name, unless there is a file of this name. A rename would replace it."""
    try:
        os.link(part, path)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        os.replace(part, path)
