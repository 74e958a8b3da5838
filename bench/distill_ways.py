"""Distillation on the teacher's traces against on-policy: same teacher, same student, same prompts, same token budget.

    python -m bench.distill_ways [--seeds 0 1 2] [--steps 100] [--rl-steps 24] [--folder runs/distill_ways] [--only traces "on-policy, jsd"]

The teacher is the tiny base model after a cold start and a short RL run; the student is tiny_student. A row's steps are chosen
so that its student trains on as many completion tokens as that of the traces does: a first run of the row tells the tokens of
a step. Prints a Markdown table. Runs that are in the folder already are not made again.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
CLOSE = 0.03  # token budgets that differ by less are the same


@dataclass(frozen=True, kw_only=True)
class Run:
    test: float  # held-out pass@1
    hard: float
    greedy: float
    steps: int
    tokens: float  # that the student trained on
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=100, help="of the traces; it sets the token budget")
    parser.add_argument("--rl-steps", type=int, default=24)
    parser.add_argument("--folder", type=Path, default=Path("runs/distill_ways"))
    parser.add_argument("--only", nargs="+")
    chosen = parser.parse_args()
    rows = {name: ROWS[name] for name in chosen.only or ROWS} | {"traces": ROWS["traces"]}
    teacher = chosen.folder / "teacher"
    train(
        teacher, f"experiment=demo stages=[cold_start,rl] rl.steps={chosen.rl_steps} rl.show_every=0 threads=1 evaluate.every_stage=false"
    )
    weights = teacher / "rl" / "final"
    before = {name: evaluated(chosen.folder, name, path) for name, path in (("teacher", str(weights)), ("student", "tiny_student"))}
    found: dict[str, list[Run]] = {}
    for name in sorted(rows, key=lambda name: name != "traces"):  # they set the budget
        steps = chosen.steps if name == "traces" else fitting_steps(name, rows[name], weights, chosen, found["traces"][0])
        found[name] = [distilled(name, rows[name], weights, seed, steps, chosen.folder) for seed in chosen.seeds]
    print(table(before, found))


def fitting_steps(name: str, settings: str, weights: Path, chosen: Any, budget: Run) -> int:
    """So many steps that a row's tokens are the budget's, going by a run of as many steps as the traces had."""
    tried = distilled(name, settings, weights, chosen.seeds[0], chosen.steps, chosen.folder)
    ratio = budget.tokens / tried.tokens
    return chosen.steps if abs(ratio - 1) < CLOSE else round(chosen.steps * ratio)


def distilled(name: str, settings: str, weights: Path, seed: int, steps: int, folder: Path) -> Run:
    place = folder / f"{re.sub(r'[^a-z0-9]+', '_', name)}-{steps}-{seed}"
    train(place, f"{COMMON} stages=[distill,evaluate] {settings} distill.steps={steps} seed={seed} model.path={weights}")
    *_, distill, last = json.loads((place / "summary.json").read_text())["stages"]
    lines = [json.loads(line) for line in (place / "metrics.jsonl").read_text().splitlines()]
    run = Run(
        test=last["eval"]["pass@1"],
        hard=last["eval_hard"]["pass@1"],
        greedy=last["eval"]["greedy"],
        steps=steps,
        tokens=sum(line["tokens/trained"] for line in lines if line["stage"] == "distill"),
        seconds=distill["seconds"],
    )
    said = f"{name:32} seed {seed}: {run.test:.3f} ({run.hard:.3f} hard) after {run.tokens:,.0f} tokens in {run.seconds:.0f} s"
    print(said, file=sys.stderr, flush=True)
    return run


def evaluated(folder: Path, name: str, model: str) -> dict[str, Any]:
    train(folder / f"{name}-alone", f"{COMMON} stages=[evaluate] model.path={model}")
    return json.loads((folder / f"{name}-alone" / "summary.json").read_text())["stages"][-1]


def train(place: Path, settings: str) -> None:
    if (place / "summary.json").is_file() and json.loads((place / "summary.json").read_text())["status"] == "finished":
        return
    place.mkdir(parents=True, exist_ok=True)
    with (place / "log.txt").open("w") as log:
        command = [sys.executable, "-m", "r1lite.train", *settings.split(), f"run_dir={place}"]
        status = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False).returncode
    if status:
        sys.exit(f"{place} failed:\n{(place / 'log.txt').read_text()[-2000:]}")


def table(before: dict[str, Any], found: dict[str, list[Run]]) -> str:
    lines = ["| | pass@1 | greedy | hard split | steps | tokens trained | seconds |", "|---|---|---|---|---|---|---|"]
    for name, entry in before.items():
        lines.append(
            f"| {name}, before | {entry['eval']['pass@1']:.3f} | {entry['eval']['greedy']:.3f} | {entry['eval_hard']['pass@1']:.3f} | | | |"
        )
    for name, runs in found.items():
        figures = [" / ".join(f"{getattr(run, key):.3f}" for run in runs) for key in ("test", "greedy", "hard")]
        tokens, seconds = statistics.fmean(r.tokens for r in runs), statistics.fmean(r.seconds for r in runs)
        lines.append(f"| {name} | {' | '.join(figures)} | {runs[0].steps} | {tokens:,.0f} | {seconds:.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
