"""Compares whole GRPO steps by r1lite and by TRL, with the same prompts and token counts.

    python -m bench.versus [--rows short_fp32 long ...] [--rounds 3] [--batch 8] [--quick] \\
        [--trl-python envs/trl/bin/python] [--model models/smollm2-135m] [--out runs/versus.jsonl] [--set rl.micro_batch_tokens=4096 ...]

`python -m bench.smollm2` makes the model, and the commands in bench/trl_step.py make TRL's environment. The two sides take
turns, each in its own process. TRL's settings (rollouts in memory at once, ways to use bf16) are tried first, and the
fastest are used. A ratio compares the seconds per generated token of one round; the table shows the median. The share of
the matrix rate is useful operations (bench/_common/flops.py) per second, divided by that rate, measured in every round.
--quick runs every code path once on the tiny model; its figures mean nothing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench._common.process import absolute_path, format_rates, matrix_rates, median_with_rounds, run_module, share_of_limit, table
from bench._common.rows import ROWS, Row, TrlSettings, quick
from bench._common.work import settings_argument
from r1lite.models.pretrained import locate

Record = dict[str, Any]


def main() -> None:
    options = parsed()
    if not Path(options.trl_python).is_file():
        sys.exit(f"error: {options.trl_python} does not exist. TRL needs a separate environment; bench/trl_step.py says how to make it.")
    lines = []
    try:
        for name in options.rows:
            row = quick(ROWS[name]) if options.quick else ROWS[name]
            rounds = measure(name, row, options)
            lines.append(line(row, rounds))
            report(lines[-1])
    except ValueError as error:
        sys.exit(f"error: {error}")
    print(table(HEAD, lines))


def measure(name: str, row: Row, options: argparse.Namespace) -> list[Record]:
    """Measure both sides and the matrix rate, once per round."""
    model = absolute_path(locate("tiny_base" if row.tiny else options.model))
    settings = best_settings(row, model, options)
    rounds = []
    for number in range(1 if options.quick else options.rounds):
        r1lite = r1lite_step(row, model, options)
        trl = trl_step(row, model, settings, options)
        rounds.append({"row": name, "round": number, "r1lite": r1lite, "trl": trl, "gflops": matrix_rates(row.dtype)})
        report([name, f"round {number + 1}", f"r1lite {r1lite['total']:.1f} s", f"TRL {trl['total']:.1f} s"])
        options.out.parent.mkdir(parents=True, exist_ok=True)
        with options.out.open("a") as log:
            log.write(json.dumps(rounds[-1]) + "\n")
    return rounds


def best_settings(row: Row, model: str, options: argparse.Namespace) -> TrlSettings:
    """TRL's fastest settings, each tried once if there are several."""
    if options.quick:
        return row.trl[0][0], 8
    candidates = [settings for settings in row.trl if options.batch in (0, settings[1])]
    if not candidates:
        batches = sorted({batch for _, batch in row.trl})
        raise ValueError(f"--batch must be one of {batches} for the row {row.title!r}, got {options.batch}")
    if len(candidates) == 1:
        return candidates[0]
    steps = {settings: trl_step(row, model, settings, options) for settings in candidates}
    for (dtype, batch), step in steps.items():
        report([f"TRL, {dtype}, {batch} rollouts at once", f"{step['total']:.1f} s", f"{step['memory_mb']:,.0f} MB"])
    return min(steps, key=lambda settings: steps[settings]["total"])


def r1lite_step(row: Row, model: str, options: argparse.Namespace) -> Record:
    settings = ["--set", *row.r1lite.split(), *options.settings]
    return run_module("bench.grpo_step", ["--model", model, "--dtype", row.dtype, *row.work.split(), *settings])


def trl_step(row: Row, model: str, settings: TrlSettings, options: argparse.Namespace) -> Record:
    dtype, batch = settings
    arguments = ["--model", model, "--dtype", dtype, "--batch", batch, *row.work.split()]
    return run_module("bench.trl_step", arguments, python=options.trl_python)


HEAD = (
    "row", "r1lite, s: sampling + training", "TRL, s", "ratio (rounds)", "target", "memory, MB: r1lite / TRL", "r1lite's share of TRL's",
    "matrix rate (torch's linear layers), GFLOP/s", "sampling, share of the matrix rate: r1lite, TRL", "training: r1lite, TRL",
)  # fmt: skip


def line(row: Row, rounds: Sequence[Record]) -> list[str]:
    ratios = [per_token(r["trl"]) / per_token(r["r1lite"]) for r in rounds]
    memory = {side: statistics.median(r[side]["memory_mb"] for r in rounds) for side in ("r1lite", "trl")}
    shares = {(side, part): statistics.median(share(r, side, part) for r in rounds) for side in memory for part in ("sample", "train")}
    trl = rounds[-1]["trl"]
    return [
        row.title,
        seconds(rounds, "r1lite"),
        f"{seconds(rounds, 'trl')}; {trl['dtype']}, {trl['batch']} at once",
        median_with_rounds(ratios),
        f"{row.target:.1f}",
        f"{memory['r1lite']:,.0f} / {memory['trl']:,.0f}",
        f"{memory['r1lite'] / memory['trl']:.0%}",
        format_rates([r["gflops"] for r in rounds]),
        f"{shares['r1lite', 'sample']:.0%}, {shares['trl', 'sample']:.0%}",
        f"{shares['r1lite', 'train']:.0%}, {shares['trl', 'train']:.0%}",
    ]


def per_token(record: Record) -> float:
    return record["total"] / record["tokens"]


def share(pair: Record, side: str, part: str) -> float:
    """The share of the matrix rate that a side's sampling or training reaches with useful operations."""
    flops = pair[side]["sampling_flops" if part == "sample" else "training_flops"]
    return share_of_limit(flops, pair[side][part], pair["gflops"])


def seconds(rounds: Sequence[Record], side: str) -> str:
    total, sample, train = (statistics.median(r[side][part] for r in rounds) for part in ("total", "sample", "train"))
    return f"{total:.1f}: {sample:.1f} + {train:.1f}"


def report(words: Sequence[str]) -> None:
    print(" | ".join(words), file=sys.stderr, flush=True)


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), default=list(ROWS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=0, help="rollouts that TRL has in memory at once; 0 uses the fastest")
    parser.add_argument("--quick", action="store_true", help="every code path once, on the tiny model")
    parser.add_argument("--model", default="models/smollm2-135m")
    parser.add_argument("--trl-python", default="envs/trl/bin/python", help="Python of an environment with TRL 1.16")
    parser.add_argument("--out", type=Path, default=Path("runs/versus.jsonl"), help="every round is appended to this file")
    settings_argument(parser)
    options = parser.parse_args(words)
    options.trl_python = absolute_path(options.trl_python)
    return options


if __name__ == "__main__":
    main()
