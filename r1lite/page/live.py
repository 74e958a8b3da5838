"""The page of runs that may be going on: read again when their files have changed, and only when somebody asks."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from r1lite.page.data import Reader, overview
from r1lite.page.document import document, packed
from r1lite.page.folder import RunFolder
from r1lite.page.sample import MAX_CHARACTERS, MAX_ROLLOUTS

LIVE_ROLLOUTS = 4_000  # of runs that are going on, so that a new step does not cost seconds
WATCHED = ("*.json", "*.jsonl", "config.yaml", "error.log", "*/*.json", "*/rollouts/*.parquet")
CALM = 20.0  # times as long as the last reading of rollouts took, until they are read again


@dataclass
class Part:
    """What was last sent: its tag, its bytes, and when it may be made again."""

    tag: str = ""
    body: bytes = b""
    mark: Any = None
    not_before: float = 0.0


@dataclass
class Live:
    """The parts of a page that is served: `page`, `overview` and `rollouts`, each with a tag that changes with its content."""

    readers: Sequence[Reader]
    lock: threading.Lock = field(default_factory=threading.Lock)
    parts: dict[str, Part] = field(default_factory=lambda: {"overview": Part(), "rollouts": Part()})
    clock: Callable[[], float] = time.monotonic

    def page(self) -> str:
        return document(overview([reader.overview()[0] for reader in self.readers]), None, live=True)

    def part(self, name: str) -> Part:
        """The overview or the rollouts, as compressed JSON."""
        with self.lock:
            part, mark, now = self.parts[name], [_mark(reader.run) for reader in self.readers], self.clock()
            if mark != part.mark and now >= part.not_before:
                part.body = packed(self._overview() if name == "overview" else self._rollouts())
                part.tag = f'"{hashlib.blake2b(part.body, digest_size=12).hexdigest()}"'
                part.mark, end = mark, self.clock()
                part.not_before = end + (CALM * (end - now) if name == "rollouts" else 0.0)
            return part

    def _overview(self) -> Any:
        return overview([reader.overview()[0] for reader in self.readers])

    def _rollouts(self) -> Any:
        views = [reader.overview() for reader in self.readers]
        going_on = any(view["status"] == "running" for view, _ in views)
        count, share = LIVE_ROLLOUTS if going_on else MAX_ROLLOUTS, len(self.readers)
        pairs = zip(self.readers, views, strict=True)
        return [reader.table(ledger, rollouts=count // share, characters=MAX_CHARACTERS // share)[0] for reader, (_, ledger) in pairs]


def _mark(run: RunFolder) -> Any:
    """What changes whenever a file of the run does, or when its process ends."""
    marks = []
    for pattern in WATCHED:
        for path in run.path.glob(pattern):
            try:
                stat = path.stat()
            except FileNotFoundError:  # it is being replaced
                continue
            marks.append((str(path), stat.st_mtime_ns, stat.st_size))
    return run.status(), sorted(marks)
