"""The cost of the diagnosis as a share of a step: the time of its parts inside real steps, in CPU seconds, so that
other processes do not count.

    python -m bench.diagnosis_cost [--steps 12] [--prompts 64] [--group 8]

Trains the tiny base with the diagnosis, and measures the seconds that describing the rollouts and taking a step of metrics add.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from r1lite.api.pipeline import train
from r1lite.api.settings import configured
from r1lite.diagnosis.watch import Diagnosis
from r1lite.stages import rl


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--prompts", type=int, default=64)
    parser.add_argument("--group", type=int, default=8)
    options = parser.parse_args()
    spent: dict[str, list[float]] = {"step": [], "described": [], "log": []}
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(rl, "take_step", timed(rl.take_step, spent["step"])),
        patch.object(rl, "described", timed(rl.described, spent["described"])),
        patch.object(Diagnosis, "log", timed(Diagnosis.log, spent["log"])),
    ):
        size = f"rl.steps={options.steps} rl.prompts_per_step={options.prompts} rl.group_size={options.group}"
        settings = f"stages=[cold_start,rl] threads=1 preflight.enabled=false evaluate.every_stage=false rl.show_every=0 {size}"
        train(configured(settings.split(), {"run_dir": folder}))
    own = [sum(parts) for parts in zip(spent["described"], spent["log"][-options.steps :], strict=True)]
    share = statistics.median(mine / step for mine, step in zip(own, spent["step"], strict=True))
    step, mine = statistics.median(spent["step"]), 1000 * statistics.median(own)
    print(f"a step takes {step:.2f} s of one core, the diagnosis {mine:.1f} ms of it: {share:.2%}")


def timed(function: Callable[..., Any], seconds: list[float]) -> Callable[..., Any]:
    """The function, with the CPU seconds of each call added to a list."""

    def call(*arguments: Any, **named: Any) -> Any:
        began = time.thread_time()
        result = function(*arguments, **named)
        seconds.append(time.thread_time() - began)
        return result

    return call


if __name__ == "__main__":
    main()
