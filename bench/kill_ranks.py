"""Kills a random rank at a random time, and runs the same command again until it finishes. The result must be that of a quiet run.

    python -m bench.kill_ranks [--runs 20] [--ranks 2] [--first-seed 0]

The run is a short recipe of four stages with a checkpoint every two steps, one thread per rank. After each kill nothing of the run may
be left: not a rank, not a scoring worker. At the end the weights, the ledger and the examples must be equal to the bit, and the lines
of metrics.jsonl but for the seconds. Prints a Markdown table, with how long it took until all were gone; exits with 1 if that was more
than ten seconds, or a result differs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from bench._common.process import HOME, table
from r1lite.store.metrics import read_metrics

LIMIT_SECONDS = 10.0  # until nothing is left
RUN_SECONDS = 900.0
START_SHARE = 0.2  # of a run, in which the libraries are imported
COMMAND = (
    "experiment=demo stages=[cold_start,rl,reject,sft] rl.steps=8 rl.prompts_per_step=8 rl.group_size=4 rl.show_every=0 rl.lag={lag} "
    "rl.checkpoint_every=2 cold_start.steps=4 cold_start.checkpoint_every=2 cold_start.examples=16 cold_start.batch_size=16 "
    "reject.prompts=32 sft.steps=4 sft.checkpoint_every=2 evaluate.problems=8 evaluate.splits=[test] threads=1"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """How one start of the command ended."""

    code: int
    seconds: float
    message: str = ""
    gone: float = 0.0  # seconds from the kill until nothing was left; 0 if the run had finished before


def main() -> None:
    options = parsed()
    folder = Path(tempfile.mkdtemp(prefix="kill-ranks-"))
    quiet = {lag: folder / f"quiet-{lag}" for lag in (0, 1)}
    takes = {lag: attempt(run, options.ranks, lag).seconds for lag, run in quiet.items()}
    print(f"undisturbed: {takes[0]:.0f} s, with rl.lag=1 {takes[1]:.0f} s", file=sys.stderr)
    rows, bad = [], 0
    for seed in range(options.first_seed, options.first_seed + options.runs):
        draw, lag, run = random.Random(f"kill-ranks/{seed}"), seed % 2, folder / f"{seed:02d}"
        killed = attempt(run, options.ranks, lag, victim=draw.randrange(options.ranks), after=draw.uniform(START_SHARE, 0.95) * takes[lag])
        final = killed if killed.code == 0 else attempt(run, options.ranks, lag)
        differing = differences(quiet[lag], run) if final.code == 0 else [f"exit code {final.code}: {final.message}"]
        slow = killed.gone > LIMIT_SECONDS
        bad += bool(differing) or slow
        gone = f"**{killed.gone:.1f}**" if slow else f"{killed.gone:.1f}"
        rows.append([str(seed), str(lag), killed.message or "finished before", gone, ", ".join(differing) or "equal"])
        print(" | ".join(rows[-1]), file=sys.stderr, flush=True)
        if not differing:
            shutil.rmtree(run, ignore_errors=True)
    print(table(["seed", "rl.lag", "message", "s until all gone", "result"], rows))
    if bad:
        sys.exit(f"{bad} of {options.runs} are bad; the runs are in {folder}")
    shutil.rmtree(folder)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--first-seed", type=int, default=0)
    return parser.parse_args()


def attempt(run: Path, ranks: int, lag: int, *, victim: int | None = None, after: float = 0.0) -> Attempt:
    """Start the command. If there is a victim, kill that rank some time after its process has started."""
    words = [*COMMAND.format(lag=lag).split(), f"processes={ranks}", f"run_dir={run}"]
    started = time.monotonic()
    environment = {**os.environ, "PYTHONPATH": str(HOME)}
    process = subprocess.Popen(
        [sys.executable, "-m", "r1lite.train", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )
    gone = 0.0
    if victim is not None and (of_run := ranks_of(process, ranks)):
        family: set[int] = set()
        while process.poll() is None and time.monotonic() - started < after:
            family |= descendants(process.pid)
            time.sleep(0.05)
        if process.poll() is None:
            family |= descendants(process.pid)
            os.kill(of_run[victim], signal.SIGKILL)
            killed = time.monotonic()
            process.wait(RUN_SECONDS)
            while any(is_alive(pid) for pid in family) and time.monotonic() - killed < 60:
                time.sleep(0.05)
            gone = time.monotonic() - killed
    output = process.communicate(timeout=RUN_SECONDS)[1]
    messages = [line for line in output.splitlines() if line.startswith("error:")]
    if process.returncode and len(messages) != 1:
        sys.exit(f"not one message, but {len(messages)}:\n{output}")
    return Attempt(code=process.returncode, seconds=time.monotonic() - started, message="".join(messages)[:110], gone=gone)


def ranks_of(process: subprocess.Popen[str], count: int) -> list[int]:
    """The ranks' processes, in their order, once all have started."""
    while process.poll() is None:
        found = sorted(children_of().get(process.pid, []))
        if len(found) >= count:
            return found[:count]
        time.sleep(0.02)
    return []


def children_of() -> dict[int, list[int]]:
    """Parent -> its processes."""
    found: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        if fields := stat(int(path.parent.name)):
            found.setdefault(int(fields[1]), []).append(int(path.parent.name))
    return found


def descendants(pid: int) -> set[int]:
    children, found, left = children_of(), set[int](), [pid]
    while left:
        left += (own := children.get(left.pop(), []))
        found |= {*own}
    return found


def is_alive(pid: int) -> bool:
    return bool(fields := stat(pid)) and fields[0] not in "ZX"


def stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def differences(quiet: Path, other: Path) -> Sequence[str]:
    """The files whose contents differ."""
    names = {str(path.relative_to(quiet)) for ending in ("safetensors", "parquet", "data.jsonl") for path in quiet.rglob(f"*{ending}")}
    there = {str(path.relative_to(other)) for ending in ("safetensors", "parquet", "data.jsonl") for path in other.rglob(f"*{ending}")}
    differing = sorted(names ^ there)
    differing += [name for name in sorted(names & there) if not is_same(quiet / name, other / name)]
    return differing + (["metrics.jsonl"] if figures(quiet) != figures(other) else [])


def is_same(one: Path, other: Path) -> bool:
    if one.suffix == ".parquet":
        return pq.read_table(one).equals(pq.read_table(other))
    return one.read_bytes() == other.read_bytes()


def figures(run: Path) -> list[str]:
    lines = read_metrics(run / "metrics.jsonl")
    return [json.dumps({key: value for key, value in line.items() if not key.startswith("seconds/")}) for line in lines]


if __name__ == "__main__":
    main()
