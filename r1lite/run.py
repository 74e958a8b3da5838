"""The run directory: whose it is, what is finished in it, and what comes out."""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from r1lite.changes import flat, may_differ, sources, stages_of
from r1lite.config import Config
from r1lite.files import atomic, read_json, write_json
from r1lite.track import Tracker

DONE, SOURCES = "done.json", "sources.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a stage finds things and leaves them."""

    name: str  # the stage's
    out: Path  # its own folder
    run: Path  # the run's folder, in which earlier stages left theirs
    tracker: Tracker

    @property
    def final(self) -> Path:
        return self.out / "final"

    @property
    def checkpoints(self) -> Path:
        return self.out / "checkpoints"


class Run:
    """A run directory that this process alone works in."""

    def __init__(self, cfg: Config) -> None:
        self.cfg, self.folder = cfg, Path(cfg.run_dir).expanduser().resolve()
        self.tracker = Tracker(self.folder / "metrics.jsonl")

    def place(self, stage: str) -> Place:
        return Place(name=stage, out=self.folder / stage, run=self.folder, tracker=self.tracker)

    @contextmanager
    def opened(self) -> Iterator[Run]:
        """Claim the folder: a new one, or one that the same configuration began."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ValueError(f"another process is working in {self.folder}; wait for it, or choose another run_dir=") from error
            self._claim()
            yield self

    def _claim(self) -> None:
        path = self.folder / "config.yaml"
        mine = asdict(self.cfg)
        if path.exists():
            self._same(flat(read_yaml(path)), flat(mine))
        self._same_files()
        with atomic(path) as part:
            part.write_text(to_yaml(mine))

    def _same_files(self) -> None:
        """The user's own rules and problems are part of what a run is: its stages must not rest on two versions of them."""
        path, mine = self.folder / SOURCES, sources(self.cfg)
        theirs = read_json(path) if path.exists() else mine
        # One that is named no more belonged to a setting that was free to change; one that is gone is missed by who reads it.
        changed = [name for name in sorted({*theirs} & {*mine}) if theirs[name] != mine[name]]
        if changed:
            raise ValueError(
                f"{', '.join(changed)} changed since {self.folder} was begun. Choose another run_dir=, or undo the change to go on."
            )
        write_json(path, mine)

    def _same(self, theirs: Mapping[str, Any], mine: Mapping[str, Any]) -> None:
        begun = {folder.name for folder in self.folder.iterdir() if folder.is_dir()}
        keys = [k for k in sorted({*theirs, *mine}) if theirs.get(k) != mine.get(k) and not may_differ(k, begun)]
        if keys:
            changed = "\n".join(f"  {k}: {theirs.get(k)!r} there, {mine.get(k)!r} now" for k in keys)
            again = sorted(set().union(*(stages_of(k, begun) for k in keys))) if all(stages_of(k, begun) for k in keys) else []
            or_over = f", or delete {' and '.join(str(self.folder / name) for name in again)} to do that over" if again else ""
            raise ValueError(
                f"{self.folder} belongs to another configuration:\n{changed}\n"
                f"Choose another run_dir=, or run the command that began it to go on{or_over}."
            )

    def finished(self, stage: str, start: str) -> Path | None:
        """The weights that a finished stage left, if it began from these; None if it is still to be done."""
        mark = self.folder / stage / DONE
        if not mark.exists():
            return None
        found = read_json(mark)
        if found["inputs"] != self.inputs(start):
            raise ValueError(
                f"stage {stage!r} in {self.folder} began from other weights ({found['start']}, now {start}); choose another run_dir="
            )
        weights = Path(found["weights"])
        return weights if weights.is_absolute() else self.folder / weights

    def finish(self, stage: str, start: str, weights: Path, seconds: float) -> None:
        where = weights.relative_to(self.folder) if weights.is_relative_to(self.folder) else weights
        write_json(
            self.folder / stage / DONE,
            {"stage": stage, "start": start, "inputs": self.inputs(start), "weights": str(where), "seconds": seconds},
        )

    def seconds(self, stage: str) -> float:
        return read_json(self.folder / stage / DONE)["seconds"]

    def inputs(self, start: str) -> str:
        """A hash of the weights a stage begins from."""
        digest = hashlib.blake2b(digest_size=16)
        for file in [Path(start)] if Path(start).is_file() else sorted(Path(start).glob("*.safetensors")):
            digest.update(file.read_bytes())
        return digest.hexdigest()


def read_yaml(path: Path) -> Any:
    from omegaconf import OmegaConf

    return OmegaConf.to_container(OmegaConf.load(path))


def to_yaml(tree: Mapping[str, Any]) -> str:
    from omegaconf import OmegaConf

    # Through JSON, so that tuples and lists compare equal when the file is read again.
    return OmegaConf.to_yaml(OmegaConf.create(json.loads(json.dumps(tree))))
