"""How long a step takes with several ranks, and in another checkout.

    python -m bench.rank_speed [--ranks 1 2] [--old CHECKOUT] [--rounds 3] [--steps 8] [--settings experiment=r1_zero ...]

Each side trains the same steps with one thread per rank, in turn, so that a busy machine slows all of them. Prints each side's
median seconds of a step, over all rounds and without the first two steps of each, and its ratio to the first side's. `--old` adds a
side: one rank, with the code of another checkout.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench._common.process import HOME, OFFLINE, table

WARM_UP = 2  # steps


def main(argv: Sequence[str] | None = None) -> None:
    options = parsed(argv)
    sides = {f"{count} rank{'s' if count > 1 else ''}": (HOME, count) for count in options.ranks}
    if options.old:
        sides[f"1 rank, {options.old}"] = (options.old.absolute(), 1)
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(options.rounds):
        for name, (checkout, count) in sides.items():
            seconds[name] += train(checkout, count, options)
    first = statistics.median(next(iter(seconds.values())))
    rows = [
        [name, f"{statistics.median(of):.3f}", f"{min(of):.3f} to {max(of):.3f}", f"{first / statistics.median(of):.2f}"]
        for name, of in seconds.items()
    ]
    print(table(["side", "seconds of a step, median", "range", "times as fast as the first"], rows))


def parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--old", type=Path, metavar="CHECKOUT")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--settings", nargs="*", default=["experiment=r1_zero"])
    return parser.parse_args(argv)


def train(checkout: Path, count: int, options: argparse.Namespace) -> list[float]:
    """The seconds of each step."""
    with tempfile.TemporaryDirectory(prefix="rank_speed-") as folder:
        words = [*options.settings, f"rl.steps={options.steps}", "rl.show_every=0", "evaluate.every_stage=false", "threads=1"]
        words += [f"run_dir={folder}/run", *([f"processes={count}"] if count > 1 else [])]
        own = {"PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "r1lite.train", *words]
        subprocess.run(command, cwd=checkout, env=os.environ | OFFLINE | own, stdout=subprocess.DEVNULL, check=True)
        lines = [json.loads(line) for line in Path(f"{folder}/run/metrics.jsonl").read_text().splitlines()]
        return [line["seconds/total"] for line in lines[WARM_UP:]]


if __name__ == "__main__":
    main()
