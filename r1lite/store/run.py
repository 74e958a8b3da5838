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

from r1lite.config import Config
from r1lite.settings.resume import flat, may_differ, sources, stages_of
from r1lite.settings.rounds import kind_of, settings_for
from r1lite.settings.stages import LEDGER, earlier_than, read_by, stages
from r1lite.store.files import atomic, read_json, write_json
from r1lite.store.metrics import Metrics
from r1lite.trackers import Trackers

BEGUN, DONE, SOURCES = "begun.json", "done.json", "sources.json"

HASHED = (".safetensors", ".bin", ".parquet")  # of a folder


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a stage finds things and leaves them."""

    name: str  # the stage's
    out: Path  # its own folder
    run: Path  # the run's folder, in which earlier stages left theirs
    metrics: Metrics

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
        self.metrics = Metrics(self.folder / "metrics.jsonl")

    def place(self, stage: str) -> Place:
        return Place(name=stage, out=self.folder / stage, run=self.folder, metrics=self.metrics)

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
            self.metrics.trackers = Trackers(self.cfg.trackers, self.folder, asdict(self.cfg))
            try:
                yield self
            finally:
                self.metrics.trackers.close()

    def _claim(self) -> None:
        path = self.folder / "config.yaml"
        mine = asdict(self.cfg)
        if path.exists():
            theirs = read_yaml(path)
            left = {section: theirs.pop(section) for section in {*theirs} - {*mine} if section in stages.names()}
            self._same(flat(theirs), flat(mine))
            # Sections of stages that this command does not name are kept, for the command that names them again.
            mine |= {section: left[section] for section in left if section in map(kind_of, self._begun())}
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
        begun = self._begun()
        keys = [k for k in sorted({*theirs, *mine}) if theirs.get(k) != mine.get(k) and not may_differ(k, self.cfg, begun)]
        if keys:
            changed = "\n".join(f"  {k}: {theirs.get(k)!r} there, {mine.get(k)!r} now" for k in keys)
            resting = [stages_of(k, self.cfg, begun) for k in keys]
            again = sorted(set().union(*resting)) if all(resting) else []
            or_over = f", or delete {' and '.join(str(self.folder / name) for name in again)} to do that over" if again else ""
            raise ValueError(
                f"{self.folder} belongs to another configuration:\n{changed}\n"
                f"Choose another run_dir=, or run the command that began it to go on{or_over}."
            )

    def _begun(self) -> set[str]:
        return {folder.name for folder in self.folder.iterdir() if folder.is_dir() and [f.name for f in folder.iterdir()] != [BEGUN]}

    def finished(self, stage: str, start: str) -> Path | None:
        """The weights that a finished stage left, if it rests on what is there now; None if it is still to be done."""
        if not self.is_done(stage):
            return None
        found = self._rests_on(stage, DONE, start)
        if found["weights"] == found["start"]:  # it made none
            return Path(start)
        weights = Path(found["weights"])
        return weights if weights.is_absolute() else self.folder / weights

    def is_done(self, stage: str) -> bool:
        return (self.folder / stage / DONE).exists()

    def begin(self, stage: str, start: str) -> None:
        """From here on the stage rests on these weights and data, also when it goes on after an interruption."""
        if (self.folder / stage / BEGUN).exists():
            self._rests_on(stage, BEGUN, start)
        write_json(self.folder / stage / BEGUN, {"start": start, "inputs": self.inputs(stage, start)})

    def finish(self, stage: str, start: str, weights: Path, seconds: float) -> None:
        where = weights.relative_to(self.folder) if weights.is_relative_to(self.folder) else weights
        inputs = read_json(self.folder / stage / BEGUN)["inputs"]
        write_json(
            self.folder / stage / DONE, {"stage": stage, "start": start, "inputs": inputs, "weights": str(where), "seconds": seconds}
        )

    def _rests_on(self, stage: str, mark: str, start: str) -> Any:
        found = read_json(self.folder / stage / mark)
        if found["inputs"] != self.inputs(stage, start):
            raise ValueError(
                f"stage {stage!r} in {self.folder} rests on other weights or data than are there now (it began from {found['start']}, "
                f"and would from {start}). Choose another run_dir=, or delete {self.folder / stage} to do it over."
            )
        return found

    def seconds(self, stage: str) -> float:
        return read_json(self.folder / stage / DONE)["seconds"]

    def inputs(self, stage: str, start: str) -> str:
        """A hash of what a stage rests on: the weights it begins from, and what it reads of earlier stages."""
        there = bool(start) and Path(start).exists()  # otherwise a hub name, or nothing
        digest = hashlib.blake2b(b"" if there else start.encode(), digest_size=16)
        for path in [*([Path(start)] if there else ()), *read_of_earlier(self.cfg, stage, self.folder)]:
            for file in [path] if path.is_file() else sorted(f for ending in HASHED for f in path.glob(f"*{ending}")):
                with file.open("rb") as opened:  # piece by piece: it may be larger than memory
                    digest.update(hashlib.file_digest(opened, lambda: hashlib.blake2b(digest_size=16)).digest())
        return digest.hexdigest()


def read_of_earlier(cfg: Config, stage: str, folder: Path) -> list[Path]:
    """The files and folders of earlier stages that a stage learns from or is judged by, besides its weights."""
    earlier, read = earlier_than(stage, cfg), read_by(cfg, stage)
    named = [name for name in reversed(earlier) if name in read or LEDGER in read]
    left = [folder / name / part for name in named for part in ("data.jsonl", "rollouts")]
    judge = settings_for(cfg, stage).rewards.get("model") or {}
    judged_by = judge.get("path") == "reward_model" and "reward_model" in earlier
    return [path for path in left if path.exists()] + ([folder / "reward_model" / "final"] if judged_by else [])


def read_yaml(path: Path) -> Any:
    from omegaconf import OmegaConf

    return OmegaConf.to_container(OmegaConf.load(path))


def to_yaml(tree: Mapping[str, Any]) -> str:
    from omegaconf import OmegaConf

    # Through JSON, so that tuples and lists compare equal when the file is read again.
    return OmegaConf.to_yaml(OmegaConf.create(json.loads(json.dumps(tree))))
