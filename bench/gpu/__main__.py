"""Proves a GPU: tests, parity, sampling, training steps, whole runs and memory, the most valuable first.

    python -m bench.gpu [--minutes 9] [--out runs/gpu] [--parts parity sampling ...] [--quick]

Each part is a process with a share of the time, and its results are written when it ends, so that a run that is cut short leaves
a useful file: OUT/results.jsonl (one result per line) and OUT/log.txt. --quick runs every part with tiny sizes, also on the CPU,
where the figures mean nothing. bench/gpu/wheels.py collects what a machine without a network needs.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench._common.process import HOME, OFFLINE

PARTS = {"parity": 60, "suite": 110, "sampling": 100, "steps": 120, "recipes": 120, "memory": 30}  # shares of the time


def main(words: Sequence[str] | None = None) -> None:
    options = parsed(words)
    options.out.mkdir(parents=True, exist_ok=True)
    end = time.perf_counter() + options.minutes * 60
    failed: list[str] = []
    for part in options.parts:
        seconds = min(PARTS[part] / sum(PARTS.values()) * options.minutes * 60, end - time.perf_counter())
        if seconds < 5:
            print(f"{part}: left out, no time", flush=True)
        else:
            failed += run(part, seconds, options)
    print(f"failed: {', '.join(failed)}" if failed else "nothing failed", flush=True)
    sys.exit(bool(failed))


def run(part: str, seconds: float, options: argparse.Namespace) -> list[str]:
    """Run a part and keep its results. Returns what failed."""
    command = [sys.executable, "-m", f"bench.gpu.{part}", "--minutes", str(seconds * 0.8 / 60), *(["--quick"] if options.quick else [])]
    begun = time.perf_counter()
    print(f"== {part}, at most {seconds:.0f} s", flush=True)
    with (options.out / "log.txt").open("a") as log:
        process = subprocess.Popen(
            command,
            cwd=HOME,
            env={**os.environ, **OFFLINE, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
        try:
            lines, cut = process.communicate(timeout=seconds)[0], False
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            lines, cut = process.communicate()[0], True
    results = [parsed_line for line in lines.splitlines() if (parsed_line := as_result(line)) is not None]
    with (options.out / "results.jsonl").open("a") as file:
        file.writelines(json.dumps({"part": part} | result) + "\n" for result in results)
    for result in results:
        print(line_of(result), flush=True)
    ending = "cut short" if cut else f"exited with {process.returncode}" if process.returncode else "done"
    print(f"   {part}: {ending} after {time.perf_counter() - begun:.0f} s", flush=True)
    failed = [f"{part} ({result['what']})" for result in results if result.get("failed")]
    return [*failed, *([f"{part} ({ending})"] if process.returncode else [])]


def as_result(line: str) -> dict[str, object] | None:
    """The result on a line; None for lines that the code under test has printed."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) and "what" in value else None


def line_of(result: dict[str, object]) -> str:
    figures = ", ".join(f"{k} {v:,.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in result.items() if k not in ("what", "where"))
    return f"   {result['what']}: {figures}"[:600]


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--out", type=Path, default=Path("runs/gpu"))
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--quick", action="store_true", help="every part once, with tiny sizes; the figures mean nothing")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
