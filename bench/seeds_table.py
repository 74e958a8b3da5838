"""The table of bench/demo_seeds.sh, from the runs' own summary.json and metrics.jsonl.

python -m bench.seeds_table runs/seeds
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SEEDS = (0, 1, 2)
ROWS = {
    "base": ("demo", "base"),
    "cold start": ("demo", "cold_start"),
    "RL": ("demo", "rl"),
    "SFT from the base": ("demo", "sft"),
    "student (a third of the parameters)": ("demo", "distill"),
    "r1_zero, from the base": ("r1_zero", "rl"),
    "control: rewards shuffled in their group": ("shuffled", "rl"),
    "countdown, base": ("countdown", "base"),
    "countdown, r1_zero": ("countdown", "rl"),
}


def main() -> None:
    runs = Path(sys.argv[1])
    print("| held-out pass@1, seeds 0 / 1 / 2 | the task | harder split | length (tokens) | seconds |")
    print("|---|---|---|---|---|")
    for title, (run, stage) in ROWS.items():
        found = [stage_of(runs / f"{run}-{seed}", stage) for seed in SEEDS]
        cells = [figures(found, "eval", "pass@1", 3), figures(found, "eval_hard", "pass@1", 3), figures(found, "eval", "length_mean", 0)]
        seconds = " / ".join(f"{s['seconds']:.0f}" for s in found)
        print("| " + " | ".join([title, *cells, seconds]) + " |")
    for run in ("demo", "r1_zero"):
        folders = [runs / f"{run}-{seed}" for seed in SEEDS]
        print(f"{run}: whole runs took " + " / ".join(f"{summary(folder)['seconds']:.0f}" for folder in folders) + " s")
        print(f"{run}: share of the RL steps spent waiting for verdicts " + " / ".join(f"{waiting(folder):.4f}" for folder in folders))


def summary(run: Path) -> dict[str, Any]:
    return json.loads((run / "summary.json").read_text())


def stage_of(run: Path, name: str) -> dict[str, Any]:
    return next(s for s in summary(run)["stages"] if s["name"] == name)


def figures(stages: list[dict[str, Any]], split: str, figure: str, digits: int) -> str:
    return " / ".join(f"{s[split][figure]:.{digits}f}" for s in stages)


def waiting(run: Path) -> float:
    steps = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    rl = [s for s in steps if s["stage"] == "rl"]
    return sum(s["seconds/score"] for s in rl) / sum(s["seconds/total"] for s in rl)


if __name__ == "__main__":
    main()
