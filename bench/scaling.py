"""Measures how the cost of a step grows with tokens, group size, prompt length and model size.

    python -m bench.scaling [--model models/smollm2-135m] [--only tokens group prompt model] [--dtype fp32] [--quick] \\
        [--tokens 4096 16384 65536] [--rounds 3] [--out runs/scaling.jsonl] [--set rl.share_prompts=true ...]
    python -m bench.scaling --random qwen2.5-1.5b --device cuda --dtype bf16

Each point is the median step of bench/grpo_step.py in its own process, after warm-up steps. Cost should be linear in the
number of tokens: the last column is how far a point's seconds per token are from the median. Two things would hide this:
speed that changes from minute to minute, and memory that is newly allocated at one point only. Therefore small steps are
repeated, both in the warm-up and in the measurement. --rounds repeats the whole series; each point shows its median round.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench._common.ours import RANDOM, model_arguments
from bench._common.process import absolute_path, run_module, table
from bench._common.work import settings_argument

Record = dict[str, Any]
Point = tuple[str, list[str]]  # a label, and arguments for grpo_step

PROMPT, NEW, GROUP = 45, 64, 8
TOKENS = (4096, 8192, 16384, 32768, 65536)
STEP_TOKENS = 8192  # in the series that vary something else
MODELS = ("smollm2-135m", "smollm2-360m", "qwen2.5-0.5b")
QUICK = {"prompt": 20, "new": 8, "group": 4}


def main() -> None:
    options = parsed()
    try:
        for name in options.only:
            points = series(name, options)
            rounds = [[measure(arguments, name, options) for _, arguments in points] for _ in range(options.rounds)]
            medians = [median_round(records) for records in zip(*rounds, strict=True)]
            for records in rounds:
                append_records(options.out, name, points, records)
            print(f"\n{TITLES[name]}\n\n{series_table(name, points, medians)}", flush=True)
    except ValueError as error:
        sys.exit(f"error: {error}")


TITLES = {
    "tokens": "Completion tokens in a step",
    "group": "Rollouts of each prompt, with the same number of tokens",
    "prompt": "Tokens of each prompt, with the same completions",
    "model": "Models of several shapes, with random weights",
}


def series(name: str, options: argparse.Namespace) -> list[Point]:
    prompt, new, group = (QUICK["prompt"], QUICK["new"], QUICK["group"]) if options.quick else (PROMPT, NEW, GROUP)
    totals = [2 * new * group, 4 * new * group] if options.quick else options.tokens
    total = totals[0] if options.quick else STEP_TOKENS
    match name:
        case "tokens":
            return [(f"{n:,}", [*step(n, group, prompt, new), *repetitions(n, totals)]) for n in totals]
        case "group":
            return [(str(n), step(total, n, prompt, new)) for n in ((2, 4) if options.quick else (4, 8, 16, 32))]
        case "prompt":
            return [(str(n), step(total, group, n, new)) for n in ((20, 40) if options.quick else (45, 128, 256, 512, 1024))]
    return [(shape, ["--random", shape, *step(total, group, prompt, new)]) for shape in options.models]


def step(total: int, group: int, prompt: int, new: int) -> list[str]:
    """Arguments for a step whose completions have `total` tokens together."""
    prompts = total // (group * new)
    if prompts < 1:
        raise ValueError(f"a step of {total} tokens is smaller than one group of {group} completions of {new} tokens: set --tokens higher")
    return f"--prompts {prompts} --group {group} --prompt-tokens {prompt} --tokens {new}".split()


def repetitions(tokens: int, totals: Sequence[int]) -> list[str]:
    """Enough steps that the warm-up, and the measurement, of each point take as long as half a step of the largest."""
    count = str(max(1, max(totals) // (2 * tokens)))
    return ["--warm-up", count, "--steps", count]


def measure(arguments: list[str], name: str, options: argparse.Namespace) -> Record:
    return run_module("bench.grpo_step", [*arguments, *common(name, options)])


def median_round(records: Sequence[Record]) -> Record:
    """The record of the round with the median seconds per token; with an even number, the slower of the middle two."""
    return sorted(records, key=lambda r: r["total"] / r["tokens"])[len(records) // 2]


def common(name: str, options: argparse.Namespace) -> list[str]:
    model = [] if name == "model" else ["--random", options.random] if options.random else ["--model", absolute_path(options.model)]
    return [*model, "--hold-end", "--device", options.device, "--dtype", options.dtype, "--set", *options.settings]


def series_table(name: str, points: Sequence[Point], records: Sequence[Record]) -> str:
    per_token = [r["total"] / r["tokens"] for r in records]
    median = statistics.median(per_token)
    head = [name, "sampling, s", "training, s", "tokens/s", "sampling, useful GFLOP/s", "training", "memory, MB"]
    linearity = ["deviation from a straight line"] if name == "tokens" else []
    rows = [
        [
            label,
            f"{r['sample']:.2f}",
            f"{r['train']:.2f}",
            f"{r['tokens'] / r['total']:,.0f}",
            f"{r['sampling_flops'] / r['sample'] / 1e9:,.1f}",
            f"{r['training_flops'] / r['train'] / 1e9:,.1f}",
            f"{r['memory_mb']:,.0f}",
            *([f"{cost / median - 1:+.1%}"] if linearity else []),
        ]
        for (label, _), r, cost in zip(points, records, per_token, strict=True)
    ]
    return table([*head, *linearity], rows)


def append_records(out: Path, name: str, points: Sequence[Point], records: Sequence[Record]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("a") as log:
        for (label, _), record in zip(points, records, strict=True):
            log.write(json.dumps({"series": name, "at": label, **record}) + "\n")


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    model_arguments(parser)
    parser.add_argument("--only", nargs="+", choices=list(TITLES), default=list(TITLES))
    parser.add_argument("--tokens", nargs="+", type=int, default=list(TOKENS), help="completion tokens in a step, one per point")
    parser.add_argument("--rounds", type=int, default=1, help="how often each series is measured")
    parser.add_argument("--models", nargs="+", choices=sorted(RANDOM), default=list(MODELS))
    parser.add_argument("--quick", action="store_true", help="two small points of each series")
    parser.add_argument("--out", type=Path, default=Path("runs/scaling.jsonl"), help="every point is appended to this file")
    settings_argument(parser)
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
