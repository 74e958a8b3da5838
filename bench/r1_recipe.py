"""R1's recipe on the tiny base model, stage by stage, over seeds: does each stage improve, or hold, what is held out?

    python -m bench.r1_recipe [--seeds 0 1 2] [--folder runs/r1_recipe]

Every stage of a seed is asked the same held-out problems. The error of a figure is at most sqrt(p (1 - p) / problems), which is
what it would be if all samples of a problem were right or wrong together. A stage "falls" where it loses more than twice
the error of the difference. Runs that are in the folder already are not made again.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--folder", type=Path, default=Path("runs/r1_recipe"))
    options = parser.parse_args()
    for seed in options.seeds:
        command = [sys.executable, "-m", "r1lite.train", "experiment=r1", f"seed={seed}", f"run_dir={options.folder / f'r1-{seed}'}"]
        subprocess.run([*command, "rl.show_every=0", "threads=1"], check=True)
    print("\n".join(lines([summary(options.folder / f"r1-{seed}") for seed in options.seeds])))


def lines(runs: list[list[dict[str, Any]]]) -> list[str]:
    """A Markdown table with a stage a line, and what fell."""
    rows = ["| held-out pass@1 | the task | error at most | harder split | length (tokens) | seconds |", "|---|---|---|---|---|---|"]
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
    """Of pass@1, were all samples of a problem right or wrong together."""
    p = table["pass@1"]
    return math.sqrt(p * (1 - p) / table["problems"])


def figures(values: list[float], digits: int) -> str:
    return " / ".join(f"{value:.{digits}f}" for value in values)


def summary(run: Path) -> list[dict[str, Any]]:
    """The stages that made weights."""
    return [stage for stage in json.loads((run / "summary.json").read_text())["stages"] if "eval" in stage]


if __name__ == "__main__":
    main()
