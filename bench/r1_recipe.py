"""Runs R1's recipe on the tiny base model for several seeds, and checks that no stage lowers held-out pass@1.

    python -m bench.r1_recipe [--seeds 0 1 2] [--folder runs/r1_recipe]

All stages of a seed are evaluated on the same held-out problems. The standard error of a figure is at most
sqrt(p (1 - p) / problems), its value if the samples of each problem were all correct or all wrong. A stage "falls" if it
loses more than twice the error of the difference. Runs that finished in the folder before are read, not repeated.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench._common.runs import read_summary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--folder", type=Path, default=Path("runs/r1_recipe"))
    options = parser.parse_args()
    for seed in options.seeds:
        command = [sys.executable, "-m", "r1lite.train", "experiment=r1", f"seed={seed}", f"run_dir={options.folder / f'r1-{seed}'}"]
        subprocess.run([*command, "rl.show_every=0", "threads=1"], check=True)
    print("\n".join(lines([evaluated_stages(options.folder / f"r1-{seed}") for seed in options.seeds])))


def lines(runs: list[list[dict[str, Any]]]) -> list[str]:
    """A Markdown table with one stage per line, then the stages that fell."""
    rows = ["| held-out pass@1 | the task | maximum error | harder split | length (tokens) | seconds |", "|---|---|---|---|---|---|"]
    fallen = []
    for stages in zip(*runs, strict=True):
        test, hard = ([s[split] for s in stages] for split in ("eval", "eval_hard"))
        cells = [figures([t["pass@1"] for t in test], 3), figures([error(t) for t in test], 3), figures([h["pass@1"] for h in hard], 3)]
        cells += [figures([t["length_mean"] for t in test], 0), figures([s["seconds"] for s in stages], 0)]
        rows.append(f"| `{stages[0]['name']}` | {' | '.join(cells)} |")
    for number, stages in enumerate(runs):
        for before, after in pairwise(stages):
            lost = before["eval"]["pass@1"] - after["eval"]["pass@1"]
            if lost > 2 * math.hypot(error(before["eval"]), error(after["eval"])):
                fallen.append(f"run {number}: {after['name']} falls by {lost:.3f}")
    return [*rows, "", *(fallen or ["No stage falls by more than twice the error of the difference."])]


def error(table: dict[str, float]) -> float:
    """The standard error of pass@1 if the samples of each problem were all correct or all wrong."""
    p = table["pass@1"]
    return math.sqrt(p * (1 - p) / table["problems"])


def figures(values: list[float], digits: int) -> str:
    return " / ".join(f"{value:.{digits}f}" for value in values)


def evaluated_stages(run: Path) -> list[dict[str, Any]]:
    return [stage for stage in read_summary(run)["stages"] if "eval" in stage]


if __name__ == "__main__":
    main()
