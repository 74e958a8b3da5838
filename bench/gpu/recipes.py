"""Whole runs on this device: `r1_zero` over three seeds and the demonstration, in seconds, with what they learnt.

    python -m bench.gpu.recipes [--device cuda] [--quick]

Also: the same run twice, and a run that is killed and resumed; both are compared to the bit with the first.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench._common.compare import compare_runs
from bench._common.process import HOME, OFFLINE
from bench.gpu._part import Options, attempt, options_of, report

QUICK = ["rl.steps=2", "rl.prompts_per_step=4", "rl.group_size=2", "evaluate.problems=8", "cold_start.steps=1", "sft.steps=1"]
SHORT = ["experiment=r1_zero", "stages=[rl]", "rl.steps=6", "rl.checkpoint_every=1", "evaluate.problems=16"]


def main(words: Sequence[str] | None = None) -> None:
    options = options_of(__doc__, words)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seed in (0,) if options.quick else (0, 1, 2):
            with attempt(f"r1_zero, seed {seed}"):
                whole("r1_zero", folder, seed, options)
        with attempt("the same run twice"):
            twice(folder, options)
        with attempt("killed and resumed"):
            resumed(folder, options)
        if not options.quick:
            with attempt("demo"):
                whole("demo", folder, 0, options)


def whole(experiment: str, folder: Path, seed: int, options: Options) -> None:
    run = folder / f"{experiment}-{seed}"
    begun = time.perf_counter()
    train(run, [f"experiment={experiment}", f"seed={seed}", *(QUICK if options.quick else [])], options)
    seconds = time.perf_counter() - begun
    summary = json.loads((run / "summary.json").read_text())
    scores = {stage["name"]: stage["eval"]["pass@1"] for stage in summary["stages"] if "eval" in stage}
    steps = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    taken = sorted(row["seconds/total"] for row in steps if row.get("stage") == "rl" and "seconds/total" in row)
    median = taken[len(taken) // 2] if taken else 0.0
    report(f"{experiment}, seed {seed}", seconds=seconds, seconds_per_rl_step=median, **{"pass@1": scores})


def twice(folder: Path, options: Options) -> None:
    for side in ("once", "again"):
        train(folder / side, [*SHORT, *(QUICK if options.quick else [])], options)
    found = compare_runs(folder / "once", folder / "again")
    report("the same run twice", files=found.files, difference=found.difference or "none")


def resumed(folder: Path, options: Options) -> None:
    run = folder / "killed"
    words = command(run, [*SHORT, *(QUICK if options.quick else [])], options)
    process = subprocess.Popen(words, cwd=HOME, env={**os.environ, **OFFLINE}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    metrics, deadline = run / "metrics.jsonl", time.perf_counter() + 120
    while process.poll() is None and time.perf_counter() < deadline:
        if metrics.is_file() and len(metrics.read_text().splitlines()) >= (1 if options.quick else 3):
            break
        time.sleep(0.05)
    killed = process.poll() is None
    process.kill()
    process.wait()
    train(run, [*SHORT, *(QUICK if options.quick else [])], options)
    found = compare_runs(folder / "once", run)
    report("killed and resumed", killed=killed, files=found.files, difference=found.difference or "none")


def train(run: Path, settings: Sequence[str], options: Options) -> None:
    done = subprocess.run(
        command(run, settings, options), cwd=HOME, env={**os.environ, **OFFLINE}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ValueError(f"exited with {done.returncode}: {(done.stdout + done.stderr)[-1200:]}")


def command(run: Path, settings: Sequence[str], options: Options) -> list[str]:
    return [sys.executable, "-m", "r1lite.train", *settings, f"model.device={options.device}", f"run_dir={run}"]


if __name__ == "__main__":
    main()
