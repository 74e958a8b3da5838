"""Trains the tiny model with every algorithm from the same cold start: gain, seconds and memory of each.

    python -m bench.algorithms [--seeds 0 1 2] [--only grpo ppo dpo] [--folder runs/algorithms] [--steps 12] [--prompts 16] [--jobs 2]

Each run is a process with one thread; --jobs of them run at a time. Prints a Markdown table: held-out pass@1 at the
start and at the end, mean, standard deviation and minimum of the gain over the seeds, seconds of the stages, and peak
memory above that of a process that only evaluates. Runs that finished in the folder before are read, not repeated.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench._common.runs import read_summary, train_once
from r1lite.config import CONF

COMMON = (
    "threads=1 scoring.workers=0 evaluate.splits=[test] evaluate.every_stage=false evaluate.problems=128 "
    "rl.group_size=8 rl.show_every=0 rl.checkpoint_every=1000 rl.warmup_steps=4"
)
# Presets scaled to this run: a critic that learns as fast as the policy, a length budget equal to the sampler's limit.
SCALED = {
    "ppo": "algorithm.critic_lr=1e-3",
    "dr_grpo": "algorithm.budget=96 sampler.max_tokens=96",
    "r1": "algorithm.reference_every=10",
    "dapo": "algorithm.refill_rounds=2",
}
PREFERENCES = {
    "dpo": "stages=[reject,dpo,evaluate] reject.prompts=320 reject.samples=8 dpo.nll_coef=0",
    "dpo, nll_coef=1": "stages=[reject,dpo,evaluate] reject.prompts=320 reject.samples=8 dpo.nll_coef=1 dpo.lr=2e-4",
    "dpo, loss=ipo": "stages=[reject,dpo,evaluate] reject.prompts=320 reject.samples=8 dpo.loss=ipo",
    "reward_model, then grpo": "stages=[reject,reward_model,rl,evaluate] reject.prompts=320 reject.samples=8 reward=model algorithm=grpo",
}


@dataclass(frozen=True, kw_only=True)
class Run:
    start: float  # held-out pass@1
    end: float
    seconds: float
    memory_mb: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--folder", type=Path, default=Path("runs/algorithms"))
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--prompts", type=int, default=16, help="prompts in a step, with eight rollouts each")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    options = parser.parse_args()
    rows = algorithms()
    rows = {name: rows[name] for name in options.only} if options.only else rows
    results: dict[str, list[Run]] = {name: [] for name in rows}
    with ThreadPoolExecutor(options.jobs) as pool:  # each thread waits for one process
        starts = list(pool.map(lambda seed: cold_start(seed, options.folder / f"seed{seed}"), options.seeds))
        jobs = [(name, seed, start) for seed, start in zip(options.seeds, starts, strict=True) for name in rows]
        size = f"rl.steps={options.steps} rl.prompts_per_step={options.prompts}"
        runs = [pool.submit(run_of, name, seed, start, f"{rows[name]} {size}", options.folder) for name, seed, start in jobs]
        for (name, _, _), run in zip(jobs, runs, strict=True):
            results[name].append(run.result())
    print(table(results))


def cold_start(seed: int, folder: Path) -> tuple[Path, float, float]:
    """The weights that a seed's runs start from, their pass@1, and the memory of a process that only evaluates them."""
    train("cold_start", f"stages=[cold_start] seed={seed} threads=1 evaluate.every_stage=false", folder)
    start = folder / "cold_start" / "cold_start" / "final"
    summary, memory = train("idle", f"stages=[evaluate] seed={seed} {COMMON} model.path={start}", folder)
    return start, summary["stages"][-1]["eval"]["pass@1"], memory


def run_of(name: str, seed: int, start: tuple[Path, float, float], settings: str, folder: Path) -> Run:
    summary, memory = train(name, f"{COMMON} {settings} seed={seed} model.path={start[0]}", folder / f"seed{seed}")
    *stages, last = summary["stages"]
    seconds = sum(s["seconds"] for s in stages)
    run = Run(start=start[1], end=last["eval"]["pass@1"], seconds=seconds, memory_mb=memory - start[2])
    print(f"{name:24} seed {seed}: {run.start:.3f} -> {run.end:.3f} in {run.seconds:.0f} s", file=sys.stderr, flush=True)
    return run


def algorithms() -> dict[str, str]:
    """Row -> settings: every preset, then the ways to learn from preferences."""
    presets = sorted(path.stem for path in (CONF / "algorithm").glob("*.yaml"))
    return {name: f"stages=[rl,evaluate] algorithm={name} {SCALED.get(name, '')}" for name in presets} | PREFERENCES


def train(name: str, settings: str, folder: Path) -> tuple[dict[str, Any], float]:
    """The run's summary, and the peak memory of its process in MB."""
    run = folder / re.sub(r"\W+", "_", name)
    memory = train_once(settings, run)
    return read_summary(run), memory


def table(results: dict[str, list[Run]]) -> str:
    lines = ["| algorithm | start | end | gain | smallest gain | seconds | memory, MB |", "|---|---|---|---|---|---|---|"]
    for name, runs in results.items():
        gains = [r.end - r.start for r in runs]
        spread = f" ± {statistics.stdev(gains):.3f}" if len(gains) > 1 else ""
        mean = {f: statistics.fmean(getattr(r, f) for r in runs) for f in ("start", "end", "seconds", "memory_mb")}
        lines.append(
            f"| {name} | {mean['start']:.3f} | {mean['end']:.3f} | {statistics.fmean(gains):+.3f}{spread} | {min(gains):+.3f} "
            f"| {mean['seconds']:.0f} | {mean['memory_mb']:.0f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
