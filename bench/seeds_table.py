"""Prints the table of bench/demo_seeds.sh from the summary.json and metrics.jsonl of its runs.

python -m bench.seeds_table runs/seeds
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from bench._common.runs import read_steps, read_summary

SEEDS = (0, 1, 2)
ROWS = {
    "base model": ("demo", "base"),
    "cold start": ("demo", "cold_start"),
    "RL": ("demo", "rl"),
    "SFT from the base model": ("demo", "sft"),
    "student (a third of the parameters)": ("demo", "distill"),
    "r1_zero, from the base model": ("r1_zero", "rl"),
    "control: rewards shuffled within each group": ("shuffled", "rl"),
    "countdown, base model": ("countdown", "base"),
    "countdown, r1_zero": ("countdown", "rl"),
}


def main() -> None:
    runs = Path(sys.argv[1])
    print("| held-out pass@1, seeds 0 / 1 / 2 | the task | harder split | length (tokens) | seconds |")
    print("|---|---|---|---|---|")
    for title, (run, stage) in ROWS.items():
        stages = [stage_of(runs / f"{run}-{seed}", stage) for seed in SEEDS]
        cells = [figures(stages, "eval", "pass@1", 3), figures(stages, "eval_hard", "pass@1", 3), figures(stages, "eval", "length_mean", 0)]
        seconds = " / ".join(f"{s['seconds']:.0f}" for s in stages)
        print("| " + " | ".join([title, *cells, seconds]) + " |")
    for run in ("demo", "r1_zero"):
        folders = [runs / f"{run}-{seed}" for seed in SEEDS]
        print(f"{run}: whole runs took " + " / ".join(f"{read_summary(folder)['seconds']:.0f}" for folder in folders) + " s")
        print(f"{run}: share of the RL steps spent waiting for verdicts " + " / ".join(f"{waiting(folder):.4f}" for folder in folders))


def stage_of(run: Path, name: str) -> dict[str, Any]:
    return next(s for s in read_summary(run)["stages"] if s["name"] == name)


def figures(stages: list[dict[str, Any]], split: str, figure: str, digits: int) -> str:
    return " / ".join(f"{s[split][figure]:.{digits}f}" for s in stages)


def waiting(run: Path) -> float:
    """The share of the RL steps' time that was spent waiting for verdicts."""
    steps = read_steps(run, "rl")
    return sum(s["seconds/score"] for s in steps) / sum(s["seconds/total"] for s in steps)


if __name__ == "__main__":
    main()
