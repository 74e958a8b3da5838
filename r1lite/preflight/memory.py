"""The memory that a run takes: the peak of this process, or of its GPU, and by how much settings would change it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from r1lite.config import Config
from r1lite.planning.advice import advise, candidates, changed
from r1lite.planning.machine import Card, Machine, memory_of_machine
from r1lite.planning.plan import CPU_GAPS, Plan, plan_of
from r1lite.planning.shape import KINDS, Shape
from r1lite.planning.work import Job

if TYPE_CHECKING:
    import torch

GB = 10**9
STATUS, PEAK, NOW = Path("/proc/self/status"), "VmHWM", "VmRSS"
WORTH = 0.02  # of the peak: settings that change less are not shown


class Meter:
    """The memory of this process, or of its GPU."""

    def __init__(self, device: torch.device) -> None:
        self.on_gpu = device.type == "cuda"

    def peak(self) -> int:
        """The most so far, in bytes; 0 where the system does not tell."""
        if self.on_gpu:
            import torch

            free, total = torch.cuda.mem_get_info()
            context = total - free - torch.cuda.memory_reserved()  # of the driver, and what other processes take
            return torch.cuda.max_memory_reserved() + max(0, context)
        return _resident(PEAK)

    def available(self, limit_gb: float) -> int:
        if limit_gb:
            return int(limit_gb * GB)
        if self.on_gpu:
            import torch

            return torch.cuda.mem_get_info()[1]
        return memory_of_machine()


def _resident(name: str) -> int:
    with suppress(OSError):
        for line in STATUS.read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
    return 0


def planned(model_config: Any, cfg: Config, *, stage: str, ranks: int, on_gpu: bool, prompt: int, available: int) -> Plan | None:
    """The plan of the stage on a machine of so much memory; None for a model that cannot be planned."""
    if getattr(model_config, "model_type", "") not in KINDS:
        return None
    shape = Shape.of(model_config)
    job = Job(shape=shape, cfg=cfg, stage=stage, ranks=ranks, on_gpu=on_gpu, prompt=prompt)
    rates = Card(memory=available, flops=1e12, memory_rate=1e11, link_rate=1e10)  # the seconds of this plan are not used
    return plan_of(job, Machine(name="gpu" if on_gpu else "cpu", card=rates, count=ranks))


def anchored(plan: Plan, measured: int) -> Plan:
    """The plan on a machine that has as much room as the measured peak leaves: what it does not count is taken from the machine."""
    card = replace(plan.machine.card, memory=plan.machine.card.memory - (measured - plan.needed))
    return replace(plan, machine=replace(plan.machine, card=card))


def buys(plan: Plan, measured: int) -> dict[str, int]:
    """The bytes that each setting adds, by itself; of a setting the mildest value that changes anything to speak of."""
    found: dict[str, tuple[str, int]] = {}
    for change in candidates(plan):
        added = int(changed(plan, [change]).needed - plan.needed)
        if added < -WORTH * measured and change.setting not in found:
            found[change.setting] = (str(change), added)
    return dict(found.values())


def advice(plan: Plan) -> tuple[str, ...]:
    """Settings with which the plan fits; none if no settings do."""
    found = advise(plan)
    return tuple(map(str, found.changes)) if found.result.fits else ()


def after_many_steps(peak: int, loaded: int) -> int:
    """A process on the CPU keeps what it frees, and steps of many shapes leave gaps, so that it grows over the first dozens of them."""
    return loaded + int(CPU_GAPS * (peak - loaded))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch, or Python, could not allocate memory."""
    words = ("can't allocate memory", "out of memory")
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and any(word in str(error) for word in words))


def sampling_of_evaluation(plan: Plan | None, cfg: Config) -> int:
    """Bytes of keys and values that an evaluation, which may sample more rollouts at once than a step, adds to a step's."""
    from r1lite.planning.work import cached_bytes, decoded_rows

    if plan is None or not cfg.evaluate.every_stage or cfg.sampler.name != "native":
        return 0
    job = plan.job
    positions = cfg.sampler.cache_mb * 2**20 // cached_bytes(job)
    width = job.prompt + job.response
    rows = min(cfg.sampler.max_rows, positions // width, cfg.evaluate.problems * cfg.evaluate.samples)
    return max(0, rows - decoded_rows(job)) * width * cached_bytes(job)


def largest(values: Sequence[tuple[str, int]]) -> tuple[str, int]:
    return max(values, key=lambda one: one[1])
