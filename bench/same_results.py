"""Checks that two checkouts give the same results to the bit, as they must when a change only moves code.

    python -m bench.same_results OLD NEW [--quick] [--only demo grpo ...] [--keep runs/same_results] [--threads 1] [--jobs 2]

OLD and NEW are the folders of two checkouts. Each case runs `python -m r1lite.train` in both, with this interpreter: the
whole demo, r1_zero, five steps of every preset in OLD, and short runs of what the demo leaves out. Prints a Markdown table
with one case per line: equal, or the first difference with both values. Exits with 1 if anything differs.

--quick shortens the demo and r1_zero as well. --keep stores the runs of OLD under its commit, and later comparisons reuse
them; they are valid on one machine only, since another processor may round differently. NEW always runs again, and its
runs are kept for inspection if any case differs.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

from bench._common.compare import compare_runs
from bench._common.process import OFFLINE

FINISHED = "finished.json"
CODE = ("r1lite", "rewards", "tasks", "sandbox", "conf")
# Micro-batches of 512 tokens, so that every update accumulates several of them.
SHORT = (
    "rl.show_every=0 rl.steps=5 rl.prompts_per_step=16 rl.micro_batch_tokens=512 cold_start.steps=4 cold_start.micro_batch_tokens=512 "
    "reject.prompts=64 reject.samples=4 sft.steps=4 sft.micro_batch_tokens=512 distill.prompts=64 distill.samples=2 distill.steps=4 "
    "distill.micro_batch_tokens=512 dpo.steps=4 dpo.batch_size=16 dpo.micro_batch_tokens=512 reward_model.steps=4 "
    "reward_model.batch_size=16 reward_model.micro_batch_tokens=512 pretrain.steps=4 pretrain.habit_steps=2 "
    "pretrain.micro_batch_tokens=512 evaluate.problems=16"
)
WHOLE = {"demo": "experiment=demo rl.show_every=0", "r1_zero": "experiment=r1_zero rl.show_every=0"}
# Scaled so that five steps exercise what a preset adds: a reference update, extra sampling rounds.
SCALED = {"dr_grpo": "algorithm.budget=128", "r1": "algorithm.reference_every=2", "dapo": "algorithm.refill_rounds=2"}
STAGES = {
    "reward_model": "stages=[reject,reward_model,rl] reward=model",
    "dpo": "stages=[cold_start,reject,dpo]",
    "dpo, ipo": "stages=[reject,dpo] dpo.loss=ipo",
    "distill, on policy": "stages=[distill] distill.method=on_policy distill.prompts=32",
    "distill, on policy, mixed": "stages=[distill] distill.method=on_policy distill.on_policy_share=0.5 distill.loss=jsd distill.top_k=8",
    "cold_start, gate": "stages=[cold_start] cold_start.gate=signal",
    "cold_start, own": "stages=[cold_start] cold_start.data=own cold_start.examples=0 cold_start.ask.prompts=64",
    "experiment r1": "experiment=r1 cold_start.ask.prompts=64 rounds.rl_2.steps=2",
    "pretrain": "experiment=tiny_student",
    "rl, lag": "stages=[rl] rl.lag=1",
    "rl, two epochs": "stages=[rl] rl.epochs=2 rl.share_prompts=false",
    "rl, countdown": "stages=[rl] task=countdown rl.curriculum.revisit=0.5",
    "rl, lora": "stages=[rl] model.lora_rank=8",
    "rl, bfloat16": "stages=[rl] model.dtype=bfloat16",
    "rl, checkpointing": "stages=[rl] model.gradient_checkpointing=true",
}


def main(argv: Sequence[str] | None = None) -> None:
    options = parsed(argv)
    available = cases(options.old, quick=options.quick)
    if unknown := {*(options.only or ())} - {*available}:
        sys.exit(f"error: --only: there is no case {', '.join(sorted(unknown))}; the cases are: {', '.join(available)}")
    runs = Path(tempfile.mkdtemp(prefix="same_results-"))
    kept = options.keep.absolute() / commit_of(options.old) if options.keep else runs / "old"
    sides = ((options.old.absolute(), kept), (options.new.absolute(), runs / "new"))
    different = 0
    print("| case | result |\n|---|---|", flush=True)
    with ThreadPoolExecutor(options.jobs) as pool:
        started = {
            name: [pool.submit(train, side, available[name], folder / re.sub(r"\W+", "_", name), options.threads) for side, folder in sides]
            for name in options.only or available
        }
        for name, (old, new) in started.items():
            equal, result = outcome(old.result(), new.result())
            different += not equal
            print(f"| {name} | {result} |", flush=True)
    if different:
        sys.exit(f"{different} of {len(started)} cases differ; the runs are in {kept} and {runs / 'new'}")
    shutil.rmtree(runs)


def parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path, metavar="OLD")
    parser.add_argument("new", type=Path, metavar="NEW")
    parser.add_argument("--quick", action="store_true", help="a few steps of the demo and of r1_zero")
    parser.add_argument("--only", nargs="+", metavar="CASE")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="store the runs of OLD here, and reuse those that finished")
    parser.add_argument("--threads", type=int, default=1, help="threads of each run")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    options = parser.parse_args(argv)
    for side in (options.old, options.new):
        if not (side / "r1lite" / "__init__.py").is_file():  # without it, Python would import an installed r1lite
            parser.error(f"{side} is not a checkout of r1lite: it has no r1lite/__init__.py")
    return options


def cases(old: Path, *, quick: bool) -> dict[str, str]:
    """Name -> settings; the longest runs come last."""
    whole = {f"{name}, quick": f"{SHORT} {settings}" for name, settings in WHOLE.items()} if quick else WHOLE
    presets = sorted(path.stem for path in (old / "conf" / "algorithm").glob("*.yaml"))
    # Without experiment=r1_zero, whose own values would hide the preset's KL and clip range.
    short = {name: f"stages=[rl] algorithm={name} {SCALED.get(name, '')}" for name in presets} | STAGES
    return {name: f"{SHORT} evaluate.every_stage=false {settings}" for name, settings in short.items()} | whole


def train(checkout: Path, settings: str, folder: Path, threads: int) -> Path:
    """Train with the code of a checkout, unless a run with these settings finished in `folder` before."""
    words = [*settings.split(), f"threads={threads}"]
    mark, made_with = folder / FINISHED, {"settings": words, "python": sys.version, "torch": version("torch")}
    if mark.is_file() and json.loads(mark.read_text()) == made_with:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    own = {"PYTHONPATH": str(checkout), "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    command = [sys.executable, "-m", "r1lite.train", *words, f"run_dir={folder / 'run'}"]
    with (folder / "log.txt").open("w") as log:
        done = subprocess.run(command, cwd=checkout, env=os.environ | OFFLINE | own, stdout=log, stderr=subprocess.STDOUT, check=False)
    if not done.returncode:
        mark.write_text(json.dumps(made_with))
    return folder


def outcome(old: Path, new: Path) -> tuple[bool, str]:
    """Whether both sides of a case are equal, and its cell in the table. A failed run is equal to nothing."""
    sides = {"OLD": old, "NEW": new}
    failed = [f"{side} failed: {folder / 'log.txt'}" for side, folder in sides.items() if not (folder / FINISHED).is_file()]
    if failed:
        return False, "; ".join(failed)
    comparison = compare_runs(old / "run", new / "run")
    notes = f"; not compared: {', '.join(sorted(comparison.missing))}" if comparison.missing else ""
    result = comparison.difference or f"equal (files: {comparison.files})"
    return comparison.difference is None, result.replace("|", "\\|") + notes


def commit_of(checkout: Path) -> str:
    """The commit under which runs are kept. Code with uncommitted changes cannot be kept."""
    git = ["git", "-C", str(checkout)]
    changed = subprocess.run([*git, "status", "--porcelain", "--", *CODE], capture_output=True, text=True, check=True).stdout
    if changed:
        sys.exit(f"error: --keep needs committed code, and {checkout} has changes:\n{changed.rstrip()}\nCommit them, or leave out --keep.")
    return subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()
