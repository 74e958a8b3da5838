"""The record that one side of a comparison prints as its last line: a JSON object."""

from __future__ import annotations

import json
import resource
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from r1lite.planning.operations import Group, sampling_flops, training_flops
from r1lite.planning.shape import Shape

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True, kw_only=True, slots=True)
class TimedStep:
    """A measured step: its seconds, and the token counts of its groups."""

    sample: float
    train: float
    groups: tuple[Group, ...]
    total: float


def print_record(side: str, shape: Shape, steps: Sequence[TimedStep], no_signal: int, **more: Any) -> None:
    """Print the medians over the steps. The first `no_signal` groups are those without signal."""
    groups = steps[-1].groups
    record = {
        "side": side,
        "sample": median(s.sample for s in steps),
        "train": median(s.train for s in steps),
        "total": median(s.total for s in steps),
        "prompt_tokens": sum(prompt for prompt, _ in groups),
        "tokens": statistics.fmean(completion_tokens(s.groups) for s in steps),
        "sampling_flops": statistics.fmean(sampling_flops(shape, s.groups) for s in steps),
        "training_flops": statistics.fmean(training_flops(shape, s.groups[no_signal:]) for s in steps),
        "memory_mb": peak_memory_mb(),
        "shape": asdict(shape),
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(record | more), flush=True)


def completion_tokens(groups: Sequence[Group]) -> int:
    return sum(sum(completions) for _, completions in groups)


def median(values: Any) -> float:
    return round(statistics.median(values), 4)


def peak_memory_mb() -> float:
    """The peak of this process; on a GPU, of what torch allocated there."""
    if torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return round(torch.cuda.max_memory_allocated() / 2**20, 1)
    unit = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss is in bytes on macOS, in KiB elsewhere
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)


def synchronize() -> None:
    """Wait for the GPU, if there is one, so that a clock read now includes its work."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
