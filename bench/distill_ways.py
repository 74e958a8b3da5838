"""Compares distillation on the teacher's traces with on-policy distillation: same teacher, student, prompts and token budget.

    python -m bench.distill_ways [--seeds 0 1 2] [--steps 100] [--rl-steps 24] [--folder runs/distill_ways] [--only traces "on-policy, jsd"]

The teacher is the tiny base model after a cold start and a short RL run; the student is tiny_student. Each row trains its
student on as many completion tokens as `traces` does: a first run measures the tokens per step, which gives the number of
steps. Prints a Markdown table. Runs that finished in the folder before are read, not repeated.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench._common.runs import read_steps, read_summary, train_once

COMMON = "threads=1 scoring.workers=0 evaluate.splits=[test,hard] evaluate.every_stage=false evaluate.problems=192"
ON_POLICY = "distill.method=on_policy distill.lr=1e-3"
ROWS = {
    "traces": "distill.method=traces",
    "on-policy, reverse_kl": f"{ON_POLICY} distill.loss=reverse_kl",
    "on-policy, forward_kl": f"{ON_POLICY} distill.loss=forward_kl",
    "on-policy, jsd": f"{ON_POLICY} distill.loss=jsd",
    "on-policy, reverse_kl, top_k=16": f"{ON_POLICY} distill.loss=reverse_kl distill.top_k=16",
    "half and half, reverse_kl": f"{ON_POLICY} distill.loss=reverse_kl distill.on_policy_share=0.5",
    "traces, teacher's distribution": f"{ON_POLICY} distill.loss=forward_kl distill.on_policy_share=0",
}
CLOSE = 0.03  # token budgets that differ by less count as equal


@dataclass(frozen=True, kw_only=True)
class Run:
    test: float  # held-out pass@1
    hard: float
    greedy: float
    steps: int
    tokens: float  # completion tokens that the student trained on
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=100, help="training steps on the traces, which set the token budget")
    parser.add_argument("--rl-steps", type=int, default=24)
    parser.add_argument("--folder", type=Path, default=Path("runs/distill_ways"))
    parser.add_argument("--only", nargs="+")
    options = parser.parse_args()
    rows = {name: ROWS[name] for name in options.only or ROWS} | {"traces": ROWS["traces"]}
    teacher = options.folder / "teacher"
    short_rl = f"stages=[cold_start,rl] rl.steps={options.rl_steps} rl.show_every=0"
    train_once(f"experiment=demo {short_rl} threads=1 evaluate.every_stage=false", teacher)
    weights = teacher / "rl" / "final"
    before = {name: evaluate(options.folder, name, path) for name, path in (("teacher", str(weights)), ("student", "tiny_student"))}
    results: dict[str, list[Run]] = {}
    for name in sorted(rows, key=lambda name: name != "traces"):  # first, because they set the budget
        steps = options.steps if name == "traces" else fitting_steps(name, rows[name], weights, options, results["traces"][0].tokens)
        results[name] = [distill(name, rows[name], weights, seed, steps, options.folder) for seed in options.seeds]
    print(table(before, results))


def fitting_steps(name: str, settings: str, weights: Path, options: argparse.Namespace, budget: float) -> int:
    """The number of steps in which a row trains on `budget` tokens, estimated from a run of --steps steps."""
    trial = distill(name, settings, weights, options.seeds[0], options.steps, options.folder)
    ratio = budget / trial.tokens
    return options.steps if abs(ratio - 1) < CLOSE else round(options.steps * ratio)


def distill(name: str, settings: str, weights: Path, seed: int, steps: int, folder: Path) -> Run:
    run_dir = folder / f"{re.sub(r'[^a-z0-9]+', '_', name)}-{steps}-{seed}"
    train_once(f"{COMMON} stages=[distill,evaluate] {settings} distill.steps={steps} seed={seed} model.path={weights}", run_dir)
    *_, distilled, evaluated = read_summary(run_dir)["stages"]
    run = Run(
        test=evaluated["eval"]["pass@1"],
        hard=evaluated["eval_hard"]["pass@1"],
        greedy=evaluated["eval"]["greedy"],
        steps=steps,
        tokens=sum(step["tokens/trained"] for step in read_steps(run_dir, "distill")),
        seconds=distilled["seconds"],
    )
    line = f"{name:32} seed {seed}: {run.test:.3f} ({run.hard:.3f} hard) after {run.tokens:,.0f} tokens in {run.seconds:.0f} s"
    print(line, file=sys.stderr, flush=True)
    return run


def evaluate(folder: Path, name: str, model: str) -> dict[str, Any]:
    run_dir = folder / f"{name}-alone"
    train_once(f"{COMMON} stages=[evaluate] model.path={model}", run_dir)
    return read_summary(run_dir)["stages"][-1]


def table(before: dict[str, Any], results: dict[str, list[Run]]) -> str:
    lines = ["| | pass@1 | greedy | hard split | steps | tokens trained | seconds |", "|---|---|---|---|---|---|---|"]
    for name, entry in before.items():
        lines.append(
            f"| {name}, before | {entry['eval']['pass@1']:.3f} | {entry['eval']['greedy']:.3f} | {entry['eval_hard']['pass@1']:.3f} | | | |"
        )
    for name, runs in results.items():
        figures = [" / ".join(f"{getattr(run, key):.3f}" for run in runs) for key in ("test", "greedy", "hard")]
        tokens, seconds = statistics.fmean(r.tokens for r in runs), statistics.fmean(r.seconds for r in runs)
        lines.append(f"| {name} | {' | '.join(figures)} | {runs[0].steps} | {tokens:,.0f} | {seconds:.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
