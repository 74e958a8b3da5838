"""A plan: what a stage needs on each rank of a machine, whether it fits, and how long a step takes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from r1lite.config import Config
from r1lite.models.gguf_read import is_gguf
from r1lite.models.pretrained import locate
from r1lite.planning.machine import Machine
from r1lite.planning.memory import Parts, moments, peak
from r1lite.planning.seconds import seconds, total
from r1lite.planning.shape import KINDS, Shape
from r1lite.planning.work import ITEMSIZE, PLANNED, Job, jobs

# Of a GPU: the context of its driver and the libraries' buffers, and gaps between blocks. Assumed, not measured on a GPU.
CONTEXT_BYTES, GPU_GAPS = 10**9, 1.05
# Of a process on the CPU: Python, torch and the other libraries. And gaps in the heap, from which runs without shards return nothing
# to the kernel. Measured by bench.plan, and largest for small models.
LIBRARY_BYTES, CPU_GAPS = 700 * 2**20, 1.5
SIZES = ("hidden", "layers", "heads", "kv_heads", "intermediate", "vocab")


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A stage of a run on a machine. Bytes are those of one rank."""

    job: Job
    machine: Machine
    moments: dict[str, Parts]
    seconds: dict[str, float]

    @property
    def peak(self) -> tuple[str, int]:
        return peak(self.moments)

    @property
    def needed(self) -> float:
        """The peak, with what the plan's parts leave out."""
        if self.machine.is_gpu:
            return self.peak[1] * GPU_GAPS + CONTEXT_BYTES
        return self.peak[1] * (CPU_GAPS if self.job.shard == 1 else 1) + LIBRARY_BYTES

    @property
    def fits(self) -> bool:
        return self.needed <= self.machine.card.memory

    @property
    def seconds_of_step(self) -> float:
        return total(self.seconds, ahead=bool(self.job.samples and self.job.cfg.rl.lag))


def plan(shape: Shape, cfg: Config, machine: Machine, *, prompt: int = 0) -> Plan:
    """The plan of the dearest stage. ValueError if the settings do not go together, or none of the stages can be planned."""
    if machine.count % cfg.parallel.shard:
        raise ValueError(f"parallel.shard={cfg.parallel.shard} must divide the number of ranks, which is {machine.count}")
    if cfg.model.dtype not in ITEMSIZE:
        raise ValueError(f"unknown model.dtype {cfg.model.dtype!r}. Known: {', '.join(ITEMSIZE)}.")
    found = jobs(shape, cfg, ranks=machine.count, on_gpu=machine.is_gpu, prompt=prompt or cfg.prompt.max_tokens)
    if not found:
        raise ValueError(f"stages={cfg.stages} has none that can be planned, which are {', '.join(PLANNED)}")
    return max((plan_of(job, machine) for job in found), key=lambda one: one.needed)


def plan_of(job: Job, machine: Machine) -> Plan:
    return Plan(job=job, machine=machine, moments=moments(job), seconds=seconds(job, machine))


def read_shape(path: str) -> Shape:
    """The shape of a shipped model, a folder, or a hub model whose config.json has been downloaded. Reads no weights, asks no network."""
    where = locate(path)
    if is_gguf(where):
        raise ValueError(f"{where} has no config.json: export it to a folder first (r1lite export {where} output=FOLDER)")
    file = Path(where) / "config.json" if Path(where).is_dir() else _cached(where)
    try:
        return shape_of(json.loads(file.read_text(encoding="utf-8")), str(file))
    except json.JSONDecodeError as error:
        raise ValueError(f"{file} is not valid JSON: {error}") from error


def shape_of(values: Mapping[str, Any], where: str) -> Shape:
    kind = values.get("model_type", "llama")
    if kind not in KINDS:
        raise ValueError(f"{where}: models of type {kind!r} cannot be planned, only those shaped like {', '.join(KINDS)}")
    try:
        return Shape.of(values)
    except KeyError as error:
        raise ValueError(f"{where}: {error} is missing") from error


def typed_shape(values: object) -> Shape:
    """A shape that the user has typed, such as {hidden: 4096, layers: 32, ...}."""
    if not isinstance(values, Mapping) or not {*SIZES} <= {*values} <= {*Shape.__slots__}:
        raise ValueError(f"shape needs {', '.join(SIZES)}, and may have head_dim, tied and kind, got {values!r}")
    if not all(isinstance(values[name], int) and values[name] > 0 for name in SIZES):
        raise ValueError(f"the sizes of a shape are whole numbers above 0, got {values!r}")
    return Shape(**{"head_dim": values["hidden"] // values["heads"], **values})


def _cached(name: str) -> Path:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(name, "config.json")
    if not isinstance(found, str):
        raise ValueError(
            f"config.json of {name} is not on this machine, and planning asks no network. Download it: hf download {name} config.json"
        )
    return Path(found)
