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
from r1lite.files import atomic, read_json, write_json
from r1lite.rounds import kind_of
from r1lite.track import Tracker

# Settings that may differ when a run goes on: they change what is done next, not what was done.
FREE = (
    "run_dir",
    "stages",
    "scoring.workers",
    "scoring.seconds",
    "scoring.max_failed_share",
    "rl.show_every",
    "parity",
    "sampler.urls",
    "sampler.sync_folder",
    "sampler.seconds",
)
# How a teacher is reached; not which one, nor what it is asked.
FREE += tuple(
    f"teacher.{name}"
    for name in ("url", "api_key_env", "concurrency", "requests_per_minute", "retries", "backoff", "timeout", "price_in", "price_out")
)
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
        changed = [name for name in sorted({*theirs, *mine}) if theirs.get(name) != mine.get(name)]
        if changed:
            raise ValueError(
                f"{', '.join(changed)} changed since {self.folder} was begun. Choose another run_dir=, or undo the change to go on."
            )
        write_json(path, mine)

    def _same(self, theirs: Mapping[str, Any], mine: Mapping[str, Any]) -> None:
        free = lambda key: any(f"{first_round(key)}.".startswith(f"{f}.") for f in FREE)  # noqa: E731
        keys = [k for k in sorted({*theirs, *mine}) if not free(k) and theirs.get(k) != mine.get(k)]
        if keys:
            changed = "\n".join(f"  {k}: {theirs.get(k)!r} there, {mine.get(k)!r} now" for k in keys)
            raise ValueError(
                f"{self.folder} belongs to another configuration:\n{changed}\n"
                f"Choose another run_dir=, or run the command that began it to go on."
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


def sources(cfg: Config) -> dict[str, str]:
    """A hash of each local file that a run reads: plugins and their data, problems, examples."""
    parts = [part["path"] for part in (cfg.task.get("parts") or {}).values() if part and "path" in part]
    data = [*cfg.data.files, *cfg.data.decontaminate_against, cfg.cold_start.data, cfg.sft.data, cfg.dpo.data, cfg.reward_model.data]
    data += [changes["data"] for changes in cfg.rounds.values() if "data" in changes]
    named = [*cfg.plugins, cfg.task.get("path"), *parts, *data]
    paths = [Path(name).expanduser() for name in named if isinstance(name, str) and name]
    files = [file for path in paths for file in ([path] if path.is_file() else sorted(path.glob("*.*")) if path.is_dir() else [])]
    return {str(file): _digest(file) for file in files if file.is_file()}


def _digest(file: Path) -> str:
    """Piece by piece: a file of problems may be larger than memory."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    """{"a": {"b": 1}} -> {"a.b": 1}."""
    if not isinstance(tree, Mapping):
        return {prefix[:-1]: tree}
    return {key: value for name, branch in tree.items() for key, value in flat(branch, f"{prefix}{name}.").items()}


def first_round(key: str) -> str:
    """rounds.rl_2.show_every -> rl.show_every, and rounds.rl_2.algorithm.kl -> rl.algorithm.kl; any other key as it is."""
    section, _, rest = key.partition(".")
    name, _, setting = rest.partition(".")
    return f"{kind_of(name)}.{setting}" if section == "rounds" else key


def read_yaml(path: Path) -> Any:
    from omegaconf import OmegaConf

    return OmegaConf.to_container(OmegaConf.load(path))


def to_yaml(tree: Mapping[str, Any]) -> str:
    from omegaconf import OmegaConf

    # Through JSON, so that tuples and lists compare equal when the file is read again.
    return OmegaConf.to_yaml(OmegaConf.create(json.loads(json.dumps(tree))))
