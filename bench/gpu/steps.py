"""Whole GRPO steps on this device: seconds of sampling and training, share of the matrix rate, peak memory; and TRL beside them.

    python -m bench.gpu.steps [--device cuda] [--quick]

Random weights in bfloat16. TRL's side needs `trl` in this environment; without it, it is left out, and a line says so.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from bench import grpo_step
from bench._common.ours import random_model
from bench._common.process import matrix_rates, run_module
from bench.gpu._part import Options, attempt, options_of, peak_mb, report
from r1lite.planning.operations import training_flops
from r1lite.planning.shape import Shape

WORK = "--prompts 16 --prompt-tokens 64 --group 8 --tokens 256"
LONG = "--prompts 4 --prompt-tokens 512 --group 8 --tokens 1024"
QUICK = "--prompts 2 --prompt-tokens 45 --group 4 --tokens 8"
BIG = ["rl.micro_batch_tokens=32768", "sampler.eager=false", "sampler.cache_mb=65536"]
OURS = {  # name: shape, work, settings
    "0.5B, short": ("qwen2.5-0.5b", WORK, []),
    "0.5B, short, checkpointing": ("qwen2.5-0.5b", WORK, ["model.gradient_checkpointing=true"]),
    "0.5B, long": ("qwen2.5-0.5b", LONG, []),
    "1.5B, short": ("qwen2.5-1.5b", WORK, []),
    "1.5B, long": ("qwen2.5-1.5b", LONG, []),
    "0.5B, short, compiled": ("qwen2.5-0.5b", WORK, ["model.compile=true"]),
}
TRL = {"0.5B, short": ("qwen2.5-0.5b", WORK, 32), "0.5B, long": ("qwen2.5-0.5b", LONG, 8), "1.5B, short": ("qwen2.5-1.5b", WORK, 32)}


def main(words: Sequence[str] | None = None) -> None:
    options = options_of(__doc__, words)
    rate = 1e9
    with attempt("matrix rate"):
        rate = max(matrix_rates("bf16", options.device).values()) * 1e9
        report("matrix rate, bfloat16", teraflops=rate / 1e12)
    for name, (shape, work, settings) in list(OURS.items())[: 1 if options.quick else None]:
        if options.left() > 0:
            with attempt(f"r1lite, {name}"):
                ours(f"r1lite, {name}", shape, work, settings, rate, options)
    trl(options)


def ours(what: str, shape: str, work: str, settings: list[str], rate: float, options: Options) -> None:
    model = [] if options.quick else ["--random", shape]
    cpu = options.device == "cpu"
    words = [*model, "--device", options.device, "--dtype", "bf16", "--hold-end", *(QUICK if options.quick else work).split()]
    parts = grpo_step.open_parts(grpo_step.parsed([*words, "--set", *([] if cpu else BIG), *settings]))
    peak_mb(options.device)
    grpo_step.take_step(parts, 0)
    steps = [grpo_step.take_step(parts, number) for number in range(1, 2 if options.quick else 4)]
    best = min(steps, key=lambda step: step.train)
    passes = training_flops(Shape.of(parts.policy.model.config), best.groups)
    tokens = sum(prompt + sum(completions) for prompt, completions in best.groups)
    report(
        what,
        sampling_seconds=min(step.sample for step in steps),
        training_seconds=best.train,
        trained_tokens_per_second=tokens / best.train,
        share_of_matrix_rate=passes / best.train / rate,
        peak_mb=peak_mb(options.device),
    )


def trl(options: Options) -> None:
    if importlib.util.find_spec("trl") is None:
        report("TRL", left_out="trl is not installed here")
        return
    for name, (shape, work, batch) in list(TRL.items())[: 1 if options.quick else None]:
        if options.left() > 0:
            with attempt(f"TRL, {name}"):
                model = "tiny_base" if options.quick else shape
                folder = f"r1lite/assets/{model}" if options.quick else random_model(shape)
                words = ["--model", folder, "--device", options.device, "--dtype", "bf16", "--batch", 8 if options.quick else batch]
                record = run_module("bench.trl_step", [*words, *(QUICK if options.quick else work).split(), "--steps", 2])
                report(f"TRL, {name}", sampling_seconds=record["sample"], training_seconds=record["train"], peak_mb=record["memory_mb"])


if __name__ == "__main__":
    main()
