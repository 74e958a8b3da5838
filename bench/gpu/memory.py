"""What each stage leaves behind in the GPU's memory: allocated bytes after it, and its peak.

python -m bench.gpu.memory [--device cuda] [--quick]
"""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Sequence
from typing import Any

import torch

from bench.gpu._part import attempt, options_of, peak_mb, report
from r1lite.api import pipeline
from r1lite.settings.compose import configuration

SMALL = ("rl.steps=3 rl.prompts_per_step=16 cold_start.steps=2 sft.steps=4 distill.steps=4 distill.prompts=32 evaluate.problems=32").split()


def main(words: Sequence[str] | None = None) -> None:
    options = options_of(__doc__, words)
    run_stage = pipeline.run_stage

    def watched(name: str, *arguments: Any) -> str:
        peak_mb(options.device)
        weights = run_stage(name, *arguments)
        gc.collect()
        left = torch.cuda.memory_allocated() / 2**20 if options.device.startswith("cuda") else 0.0
        report(f"stage {name}", left_mb=left, peak_mb=peak_mb(options.device))
        return weights

    pipeline.run_stage = watched
    with attempt("the recipe"), tempfile.TemporaryDirectory() as folder:
        pipeline.train(configuration(["experiment=demo", *SMALL, f"model.device={options.device}", f"run_dir={folder}/run"]))


if __name__ == "__main__":
    main()
