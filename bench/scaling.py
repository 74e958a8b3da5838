"""What a step costs as it grows: more tokens, larger groups, longer prompts, larger models.

    python -m bench.scaling [--model models/smollm2-135m] [--only tokens group prompt model] [--dtype fp32] [--quick] \\
        [--tokens 4096 16384 65536] [--rounds 3] [--out runs/scaling.jsonl] [--set rl.share_prompts=true ...]
    python -m bench.scaling --random qwen2.5-1.5b --device cuda --dtype bf16

Each point is the median step of bench/grpo_step.py, after some that warm up, in a process of its own. Over tokens the cost
should be a straight line: the last column says how far each point's seconds per token lie from those of the middle one. There
a machine that is faster in one minute than in the next would bend the line, and so would memory that is new in one point's steps
and not in another's: so small steps are taken more often, before they are measured and then. --rounds goes over the series again:
the median of a point's rounds is shown.
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
from bench._common.process import ask, from_here, table

Record = dict[str, Any]
Point = tuple[str, list[str]]  # a label, and arguments of grpo_step

PROMPT, NEW, GROUP = 45, 64, 8
TOKENS = (4096, 8192, 16384, 32768, 65536)
STEP_TOKENS = 8192  # where something else than the tokens changes
MODELS = ("smollm2-135m", "smollm2-360m", "qwen2.5-0.5b")
QUICK = {"prompt": 20, "new": 8, "group": 4}


def main() -> None:
    options = parsed()
    try:
        for name in options.only:
            points = series(name, options)
            rounds = [[measured(arguments, name, options) for _, arguments in points] for _ in range(options.rounds)]
            records = [median_of(of_point) for of_point in zip(*rounds, strict=True)]
            for one in rounds:
                keep(options.out, name, points, one)
            print(f"\n{TITLES[name]}\n\n{shown(name, points, records)}", flush=True)
    except ValueError as error:
        sys.exit(f"error: {error}")


TITLES = {
    "tokens": "Tokens of a step's completions",
    "group": "Rollouts of each prompt, the same tokens",
    "prompt": "Tokens of each prompt, the same completions",
    "model": "Random weights of several shapes",
}


def series(name: str, options: argparse.Namespace) -> list[Point]:
    prompt, new, group = (QUICK["prompt"], QUICK["new"], QUICK["group"]) if options.quick else (PROMPT, NEW, GROUP)
    totals = [2 * new * group, 4 * new * group] if options.quick else options.tokens
    total = totals[0] if options.quick else STEP_TOKENS
    match name:
        case "tokens":
            return [(f"{of:,}", [*step(of, group, prompt, new), *times(of, totals)]) for of in totals]
        case "group":
            return [(str(of), step(total, of, prompt, new)) for of in ((2, 4) if options.quick else (4, 8, 16, 32))]
        case "prompt":
            return [(str(of), step(total, group, of, new)) for of in ((20, 40) if options.quick else (45, 128, 256, 512, 1024))]
    return [(of, ["--random", of, *step(total, group, prompt, new)]) for of in options.models]


def step(total: int, group: int, prompt: int, new: int) -> list[str]:
    """Arguments for a step whose completions have so many tokens together."""
    prompts = total // (group * new)
    if prompts < 1:
        raise ValueError(f"a step of {total} tokens has not one group of {group} completions of {new} tokens")
    return f"--prompts {prompts} --group {group} --prompt-tokens {prompt} --tokens {new}".split()


def times(of: int, totals: Sequence[int]) -> list[str]:
    """So often that all points warm up, and then are measured, for as long as the largest takes for half a step."""
    several = max(1, max(totals) // (2 * of))
    return ["--warm-up", str(several), "--steps", str(several)]


def measured(arguments: list[str], name: str, options: argparse.Namespace) -> Record:
    return ask("bench.grpo_step", [*arguments, *common(name, options)])


def median_of(records: Sequence[Record]) -> Record:
    """The record of the round whose step took the median time; of an even number, the slower of the two in the middle."""
    return sorted(records, key=lambda r: r["total"] / r["tokens"])[len(records) // 2]


def common(name: str, options: argparse.Namespace) -> list[str]:
    model = [] if name == "model" else ["--random", options.random] if options.random else ["--model", from_here(options.model)]
    return [*model, "--hold-end", "--device", options.device, "--dtype", options.dtype, "--set", *options.settings]


def shown(name: str, points: Sequence[Point], records: Sequence[Record]) -> str:
    per_token = [r["total"] / r["tokens"] for r in records]
    middle = statistics.median(per_token)
    head = [name, "sampling, s", "training, s", "tokens/s", "sampling, useful GFLOP/s", "training", "memory, MB"]
    straight = ["from a straight line"] if name == "tokens" else []
    rows = [
        [
            label,
            f"{r['sample']:.2f}",
            f"{r['train']:.2f}",
            f"{r['tokens'] / r['total']:,.0f}",
            f"{r['sampling_flops'] / r['sample'] / 1e9:,.1f}",
            f"{r['training_flops'] / r['train'] / 1e9:,.1f}",
            f"{r['memory_mb']:,.0f}",
            *([f"{cost / middle - 1:+.1%}"] if straight else []),
        ]
        for (label, _), r, cost in zip(points, records, per_token, strict=True)
    ]
    return table([*head, *straight], rows)


def keep(out: Path, name: str, points: Sequence[Point], records: Sequence[Record]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("a") as log:
        for (label, _), record in zip(points, records, strict=True):
            log.write(json.dumps({"series": name, "at": label, **record}) + "\n")


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    model_arguments(parser)
    parser.add_argument("--only", nargs="+", choices=list(TITLES), default=list(TITLES))
    parser.add_argument("--tokens", nargs="+", type=int, default=list(TOKENS), help="of a step's completions")
    parser.add_argument("--rounds", type=int, default=1, help="how often the whole series is gone over")
    parser.add_argument("--models", nargs="+", choices=sorted(RANDOM), default=list(MODELS))
    parser.add_argument("--quick", action="store_true", help="two small points of each series")
    parser.add_argument("--out", type=Path, default=Path("runs/scaling.jsonl"), help="every point is added to this file")
    parser.add_argument("--set", dest="settings", nargs="*", default=[], metavar="KEY=VALUE", help="of r1lite's")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
