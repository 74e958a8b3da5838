"""Whole GRPO steps by r1lite and by TRL, on the same prompts and token counts: one command, one table.

    python -m bench.versus [--rows short_fp32 long ...] [--rounds 3] [--batch 8] [--quick] \\
        [--trl-python envs/trl/bin/python] [--model models/smollm2-135m] [--out runs/versus.jsonl] [--set rl.micro_batch_tokens=4096 ...]

The model comes from `python -m bench.smollm2`, TRL's environment from the commands in bench/trl_step.py. Every side is a
process of its own, in turn: ours, theirs, ours, theirs. Theirs first tries its settings (memory it may take at once, ways
of bf16), and the fastest stays. Ratios are of seconds for each generated token, round by round, and the median counts.
The share of the limit is useful operations (bench/_common/flops.py) over seconds over the matrix rate, which is measured
in every round. --quick runs every path once on the tiny model; its figures mean nothing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench._common.process import ask, from_here, matrix_rates, share_of_limit, shown_rates, table, with_rounds
from bench._common.rows import ROWS, Row, Settings, quick
from r1lite.models.pretrained import locate

Record = dict[str, Any]


def main() -> None:
    options = parsed()
    if not Path(options.trl_python).is_file():
        sys.exit(f"error: there is no {options.trl_python}. TRL gets an environment of its own; bench/trl_step.py says how to make it.")
    shown = []
    try:
        for name in options.rows:
            row = quick(ROWS[name]) if options.quick else ROWS[name]
            rounds = measured(name, row, options)
            shown.append(line(row, rounds))
            say(shown[-1])
    except ValueError as error:
        sys.exit(f"error: {error}")
    print(table(HEAD, shown))


def measured(name: str, row: Row, options: argparse.Namespace) -> list[Record]:
    """Pairs, with the matrix rate beside each."""
    model = from_here(locate("tiny_base" if row.tiny else options.model))
    settings = best_settings(row, model, options)
    rounds = []
    for number in range(1 if options.quick else options.rounds):
        ours = our_step(row, model, options)
        theirs = their_step(row, model, settings, options)
        rounds.append({"row": name, "round": number, "ours": ours, "theirs": theirs, "gflops": matrix_rates(row.dtype)})
        say([name, f"round {number + 1}", f"{ours['total']:.1f} s", f"{theirs['total']:.1f} s"])
        options.out.parent.mkdir(parents=True, exist_ok=True)
        with options.out.open("a") as log:
            log.write(json.dumps(rounds[-1]) + "\n")
    return rounds


def best_settings(row: Row, model: str, options: argparse.Namespace) -> Settings:
    """Theirs that takes least time, tried once each where there is a choice."""
    if options.quick:
        return row.theirs[0][0], 8
    batches = [settings for settings in row.theirs if options.batch in (0, settings[1])]
    if not batches:
        raise ValueError(f"--batch {options.batch}: of {row.what!r} only {sorted({batch for _, batch in row.theirs})} are known")
    if len(batches) == 1:
        return batches[0]
    tried = {settings: their_step(row, model, settings, options) for settings in batches}
    for (dtype, batch), step in tried.items():
        say([f"TRL, {dtype}, {batch} rollouts at once", f"{step['total']:.1f} s", f"{step['memory_mb']:,.0f} MB"])
    return min(tried, key=lambda settings: tried[settings]["total"])


def our_step(row: Row, model: str, options: argparse.Namespace) -> Record:
    settings = ["--set", *row.ours.split(), *options.settings]
    return ask("bench.grpo_step", ["--model", model, "--dtype", row.dtype, *row.work.split(), *settings])


def their_step(row: Row, model: str, settings: Settings, options: argparse.Namespace) -> Record:
    dtype, batch = settings
    arguments = ["--model", model, "--dtype", dtype, "--batch", batch, *row.work.split()]
    return ask("bench.trl_step", arguments, python=options.trl_python)


HEAD = (
    "row", "ours, s: sampling + training", "theirs", "ratio (rounds)", "asked", "memory, ours / theirs, MB", "share",
    "matrix rate (of torch's linear), GFLOP/s", "sampling, share of it: ours, theirs", "training: ours, theirs",
)  # fmt: skip


def line(row: Row, rounds: Sequence[Record]) -> list[str]:
    ratios = [per_token(r["theirs"]) / per_token(r["ours"]) for r in rounds]
    memory = {side: statistics.median(r[side]["memory_mb"] for r in rounds) for side in ("ours", "theirs")}
    shares = {(side, part): statistics.median(share(r, side, part) for r in rounds) for side in memory for part in ("sample", "train")}
    theirs = rounds[-1]["theirs"]
    return [
        row.what,
        seconds(rounds, "ours"),
        f"{seconds(rounds, 'theirs')}; {theirs['dtype']}, {theirs['batch']} at once",
        with_rounds(ratios),
        f"{row.reach:.1f}",
        f"{memory['ours']:,.0f} / {memory['theirs']:,.0f}",
        f"{memory['ours'] / memory['theirs']:.0%}",
        shown_rates([r["gflops"] for r in rounds]),
        f"{shares['ours', 'sample']:.0%}, {shares['theirs', 'sample']:.0%}",
        f"{shares['ours', 'train']:.0%}, {shares['theirs', 'train']:.0%}",
    ]


def per_token(record: Record) -> float:
    return record["total"] / record["tokens"]


def share(pair: Record, side: str, part: str) -> float:
    """Of the machine's limit that a side's sampling or training reaches, useful operations only."""
    done = pair[side]["sampling_flops" if part == "sample" else "training_flops"]
    return share_of_limit(done, pair[side][part], pair["gflops"])


def seconds(rounds: Sequence[Record], side: str) -> str:
    total, sample, train = (statistics.median(r[side][part] for r in rounds) for part in ("total", "sample", "train"))
    return f"{total:.1f}: {sample:.1f} + {train:.1f}"


def say(words: Sequence[str]) -> None:
    print(" | ".join(words), file=sys.stderr, flush=True)


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), default=list(ROWS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=0, help="rollouts that TRL has in memory at once; 0 tries and takes the fastest")
    parser.add_argument("--quick", action="store_true", help="every path once, on the tiny model")
    parser.add_argument("--model", default="models/smollm2-135m")
    parser.add_argument("--trl-python", default="envs/trl/bin/python", help="of an environment with TRL 1.16")
    parser.add_argument("--out", type=Path, default=Path("runs/versus.jsonl"), help="every round is added to this file")
    parser.add_argument(
        "--set", dest="settings", nargs="*", default=[], metavar="KEY=VALUE", help="of our side, such as rl.micro_batch_tokens=4096"
    )
    options = parser.parse_args(words)
    options.trl_python = from_here(options.trl_python)
    return options


if __name__ == "__main__":
    main()
