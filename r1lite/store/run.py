"""The run directory: its lock, what must not change when it is resumed, and which stages are finished."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from r1lite.config import Config
from r1lite.parallel import exchange
from r1lite.settings.resume import flat, hash_of_file, refuse_changed_files, refuse_changed_settings, sources
from r1lite.settings.rounds import kind_of, settings_for
from r1lite.settings.stages import LEDGER, earlier_than, read_by, stages
from r1lite.store.config_file import CONFIG, located, portable, read_config, write_config
from r1lite.store.files import make_folder, read_json, write_json
from r1lite.store.metrics import Metrics
from r1lite.trackers import Trackers

BEGUN, DONE, SOURCES = "begun.json", "done.json", "sources.json"
HASHED = (".safetensors", ".bin", ".parquet")  # the files of a folder that `inputs` hashes


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a stage reads and writes."""

    name: str  # of the stage
    out: Path  # the stage's own folder
    run: Path  # the run's folder, which contains the folders of earlier stages
    metrics: Metrics
    saves_in_background: bool = False  # its checkpoints
    compares_every: int = 0  # steps after which ranks compare their weights, as before each checkpoint; 0 never does

    @property
    def final(self) -> Path:
        return self.out / "final"

    @property
    def checkpoints(self) -> Path:
        return self.out / "checkpoints"


class Run:
    """A run directory that only this process works in."""

    def __init__(self, cfg: Config) -> None:
        self.cfg, self.folder = cfg, Path(cfg.run_dir).expanduser().resolve()
        self.metrics = Metrics(self.folder / "metrics.jsonl")

    def place(self, stage: str) -> Place:
        return Place(
            name=stage,
            out=self.folder / stage,
            run=self.folder,
            metrics=self.metrics,
            saves_in_background=self.cfg.parallel.background_saves,
            compares_every=self.cfg.parallel.check_every,
        )

    @contextmanager
    def opened(self) -> Iterator[Run]:
        """Lock the folder, which is new or was started with the same configuration. The leader does so for all ranks."""
        with ExitStack() as held:
            exchange.leader_writes(lambda: self._open(held))
            yield self

    def _open(self, held: ExitStack) -> None:
        make_folder(self.folder)
        lock = held.enter_context((self.folder / ".lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(f"another process is working in {self.folder}; wait for it, or choose another run_dir=") from error
        self._check_settings()
        self.metrics.trackers = Trackers(self.cfg.track, self.folder, asdict(self.cfg))
        held.push(self._close_trackers)

    def _close_trackers(self, kind: type[BaseException] | None, *_: object) -> None:
        self.metrics.trackers.close(failed=kind is not None)

    def _check_settings(self) -> None:
        """Compare the settings and the user's files with those that the run was started with, and save them."""
        now = asdict(self.cfg)
        if (self.folder / CONFIG).exists():
            before, begun = read_config(self.folder), self._begun()
            # Sections of stages that this command does not name are kept, for a later command that names them again.
            unnamed = {section: before.pop(section) for section in {*before} - {*now} if section in stages.names()}
            refuse_changed_settings(self.folder, flat(before), self.cfg, flat(now), begun)
            now |= {section: unnamed[section] for section in unnamed if section in map(kind_of, begun)}
        files = sources(self.cfg)
        if (self.folder / SOURCES).exists():
            refuse_changed_files(self.folder, located(read_json(self.folder / SOURCES), self.folder), files)
        write_json(self.folder / SOURCES, portable(files, self.folder))
        write_config(self.folder, now)

    def _begun(self) -> set[str]:
        """The stages whose folders contain more than the record of their start."""
        return {folder.name for folder in self.folder.iterdir() if folder.is_dir() and [f.name for f in folder.iterdir()] != [BEGUN]}

    def begin(self, stage: str, start: str) -> None:
        """Record the weights and data that the stage starts from. After an interruption they must be the same."""
        exchange.leader_writes(lambda: self._begin(stage, start))

    def _begin(self, stage: str, start: str) -> None:
        if (self.folder / stage / BEGUN).exists():
            self._refuse_changed_inputs(stage, BEGUN, start)
        write_json(self.folder / stage / BEGUN, {"start": portable(start, self.folder), "inputs": self.inputs(stage, start)})

    def finish(self, stage: str, start: str, weights: Path, seconds: float) -> None:
        where = weights.relative_to(self.folder) if weights.is_relative_to(self.folder) else weights
        inputs = self.record(stage, BEGUN)["inputs"]
        begun_with = portable(start, self.folder)
        record = {"stage": stage, "start": begun_with, "inputs": inputs, "weights": str(where), "seconds": seconds}
        exchange.leader_writes(lambda: write_json(self.folder / stage / DONE, record))

    def is_done(self, stage: str) -> bool:
        return (self.folder / stage / DONE).exists()

    def finished(self, stage: str, start: str) -> Path | None:
        """The weights that a finished stage left; None if it is not finished. Its inputs must not have changed."""
        return exchange.on_leader(lambda: self._finished(stage, start))

    def _finished(self, stage: str, start: str) -> Path | None:
        if not self.is_done(stage):
            return None
        record = self._refuse_changed_inputs(stage, DONE, start)
        if record["weights"] == record["start"]:  # the stage made no weights
            return Path(start)
        weights = Path(record["weights"])
        return weights if weights.is_absolute() else self.folder / weights

    def seconds(self, stage: str) -> float:
        return self.record(stage)["seconds"]

    def record(self, stage: str, file: str = DONE) -> Any:
        """What was recorded when the stage began or was finished."""
        return located(read_json(self.folder / stage / file), self.folder)

    def _refuse_changed_inputs(self, stage: str, file: str, start: str) -> Any:
        """The stage's record in this file; ValueError if it was written with other weights or data."""
        record = self.record(stage, file)
        if record["inputs"] != self.inputs(stage, start):
            raise ValueError(
                f"the weights or data of stage {stage!r} in {self.folder} changed since it was started (from {record['start']}; "
                f"now it would start from {start}). Choose another run_dir=, or delete {self.folder / stage} to repeat the stage."
            )
        return record

    def inputs(self, stage: str, start: str) -> str:
        """A hash of the stage's inputs: the weights it starts from, and what it reads of earlier stages."""
        is_local = bool(start) and Path(start).exists()  # otherwise a hub name, or empty
        digest = hashlib.blake2b(b"" if is_local else start.encode(), digest_size=16)
        for path in [*([Path(start)] if is_local else ()), *left_by_earlier(self.cfg, stage, self.folder)]:
            for file in [path] if path.is_file() else sorted(f for ending in HASHED for f in path.glob(f"*{ending}")):
                digest.update(hash_of_file(file))
        return digest.hexdigest()


def left_by_earlier(cfg: Config, stage: str, folder: Path) -> list[Path]:
    """The files and folders of earlier stages that a stage reads or is scored with, besides its initial weights."""
    earlier, read = earlier_than(stage, cfg), read_by(cfg, stage)
    named = [name for name in reversed(earlier) if name in read or LEDGER in read]
    data = [folder / name / part for name in named for part in ("data.jsonl", "rollouts")]
    rule = settings_for(cfg, stage).rewards.get("model") or {}
    has_model = rule.get("path") == "reward_model" and "reward_model" in earlier
    return [path for path in data if path.exists()] + ([folder / "reward_model" / "final"] if has_model else [])
