"""Every algorithm on the tiny model, from the same cold start: does it train, in how many seconds, with how much memory?

    python -m bench.algorithms [--seeds 0 1 2] [--only grpo ppo dpo] [--folder runs/algorithms] [--steps 12] [--prompts 16] [--jobs 2]

Each run is a process of its own with one thread, so that its peak memory is its own, and two run side by side. Prints a
Markdown table: held-out pass@1 at the start and at the end, the gain's mean and deviation over the seeds, its smallest,
seconds of the stages, and peak memory over that of a process that only evaluates. Runs that are in the folder already
are not made again.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from r1lite.config import CONF

COMMON = (
    "threads=1 scoring.workers=0 evaluate.splits=[test] evaluate.every_stage=false evaluate.problems=128 "
    "rl.group_size=8 rl.show_every=0 rl.checkpoint_every=1000 rl.warmup_steps=4"
)
# What a preset needs at this scale: a critic that learns as fast as the policy, a budget that is the sampler's.
FITTED = {
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
    parser.add_argument("--prompts", type=int, default=16, help="of a step, eight rollouts each")
    parser.add_argument("--jobs", type=int, default=2)
    chosen = parser.parse_args()
    rows = algorithms()
    rows = {name: rows[name] for name in chosen.only} if chosen.only else rows
    found: dict[str, list[Run]] = {name: [] for name in rows}
    with ThreadPoolExecutor(chosen.jobs) as pool:  # a thread for each process that runs
        starts = list(pool.map(lambda seed: begin(seed, chosen.folder / f"seed{seed}"), chosen.seeds))
        asked = [(name, seed, start) for seed, start in zip(chosen.seeds, starts, strict=True) for name in rows]
        size = f"rl.steps={chosen.steps} rl.prompts_per_step={chosen.prompts}"
        runs = [pool.submit(run_of, name, seed, start, f"{rows[name]} {size}", chosen.folder) for name, seed, start in asked]
        for (name, _, _), run in zip(asked, runs, strict=True):
            found[name].append(run.result())
    print(table(found))


def begin(seed: int, folder: Path) -> tuple[Path, float, float]:
    """The cold start that a seed's runs begin from, its pass@1, and the memory of a process that only evaluates it."""
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
    """Row -> settings. Every preset there is, then what learns from preferences."""
    presets = sorted(path.stem for path in (CONF / "algorithm").glob("*.yaml"))
    return {name: f"stages=[rl,evaluate] algorithm={name} {FITTED.get(name, '')}" for name in presets} | PREFERENCES


def train(name: str, settings: str, folder: Path) -> tuple[dict, float]:
    """A run's summary, and the peak memory of its process in MB; a run that is there already is not made again."""
    place = folder / re.sub(r"\W+", "_", name)
    note = place / "memory.json"
    if not note.is_file():
        place.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "r1lite.train", *settings.split(), f"run_dir={place}"]
        with (place / "log.txt").open("w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
            _, status, usage = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"{name} failed:\n{(place / 'log.txt').read_text()[-2000:]}")
        note.write_text(json.dumps(usage.ru_maxrss / 1024))
    return json.loads((place / "summary.json").read_text()), json.loads(note.read_text())


def table(found: dict[str, list[Run]]) -> str:
    lines = ["| algorithm | start | end | gain | smallest | seconds | memory, MB |", "|---|---|---|---|---|---|---|"]
    for name, runs in found.items():
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
