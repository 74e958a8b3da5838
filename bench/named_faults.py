"""Injects faults into short runs of the tiny model, and counts how often the diagnosis names them; beside it healthy runs.

    python -m bench.named_faults [--seeds 0 1 2] [--only NAME ...] [--folder runs/named_faults] [--faults] [--healthy]

Each run starts from the same cold start of its seed and takes some seconds. Prints two Markdown tables: for each fault the first
finding of weight warning or error, and for the healthy runs every finding of such a weight, which is a false alarm. Runs that
finished in the folder before are read, not repeated.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import shlex
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench._common.faults import FAULTS, HEALTHY, RULES, Case, write_files

COMMON = (
    "stages=[rl] threads=1 scoring.workers=0 preflight.enabled=false evaluate.every_stage=false sampler.max_tokens=80 "
    "rl.show_every=0 rl.checkpoint_every=1000 rl.warmup_steps=2 rl.prompts_per_step=6 rl.group_size=8 rl.steps=6"
)
FINISHED = "finished.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--folder", type=Path, default=Path("runs/named_faults"))
    parser.add_argument("--faults", action="store_true", help="no healthy runs")
    parser.add_argument("--healthy", action="store_true", help="no faults")
    options = parser.parse_args()
    cases = [*(() if options.healthy else FAULTS), *(() if options.faults else HEALTHY)]
    cases = [case for case in cases if not options.only or case.name in options.only]
    results: dict[str, list[list[dict[str, Any]]]] = {case.name: [] for case in cases}
    folders = {seed: (options.folder / f"seed{seed}").resolve() for seed in options.seeds}
    starts = {seed: cold_start(seed, folder) for seed, folder in folders.items()}
    for number, case in enumerate(cases):
        # One seed is enough for each of many healthy runs.
        seeds = [options.seeds[number % len(options.seeds)]] if case.healthy else options.seeds
        results[case.name] = [run(case, seed, starts[seed], folders[seed]) for seed in seeds]
    print(fault_table([c for c in cases if not c.healthy], results))
    print(healthy_table([c for c in cases if c.healthy], results))


def cold_start(seed: int, folder: Path) -> Path:
    write_files(folder / "files", seed)
    rules_of(folder).write_text(RULES)
    weights = folder / "cold_start" / "cold_start" / "final"
    if not weights.is_dir():
        train(f"{COMMON} stages=[cold_start] seed={seed}", folder / "cold_start")
    return weights


def rules_of(folder: Path) -> Path:
    """One file for all seeds, since rules are registered once in a process."""
    return folder.parent / "rules.py"


def run(case: Case, seed: int, start: Path, folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's diagnosis.jsonl."""
    own = folder / re.sub(r"\W+", "_", case.name)
    words = case.settings.format(files=folder / "files", rules=rules_of(folder), base="tiny_base")
    settings = f"{COMMON} model.path={start} {words} seed={seed}"
    mark = own / FINISHED
    if not mark.is_file() or json.loads(mark.read_text()) != settings:
        shutil.rmtree(own, ignore_errors=True)
        began = time.perf_counter()
        with case.inject():
            refused = train(settings, own)
        if bool(refused) != case.fails:
            sys.exit(f"error: {case.name}, seed {seed}: {refused or 'the run was not refused'}")
        mark.write_text(json.dumps(settings))
        names = [f"{line['name']}@{line['step']}" for line in read(own) if line["event"] == "begins"]
        print(f"{case.name}, seed {seed}: {' '.join(names)} ({time.perf_counter() - began:.0f} s)", file=sys.stderr, flush=True)
    return read(own)


def train(settings: str, folder: Path) -> str:
    """Train in this process, and return the error that ended the run, if one did."""
    from r1lite.api.pipeline import train as train_stages
    from r1lite.api.settings import configured

    folder.mkdir(parents=True, exist_ok=True)
    words: dict[str, str] = dict(word.split("=", 1) for word in shlex.split(settings))  # later ones replace earlier ones
    with (folder / "log.txt").open("w") as log, contextlib.redirect_stdout(log):
        try:
            train_stages(configured([f"{key}={value}" for key, value in words.items()], {"run_dir": str(folder)}))
        except ValueError as error:
            print(error)
            return str(error)
    return ""


def read(folder: Path) -> list[dict[str, Any]]:
    """The lines that the findings, as they are now, make of a run's metrics; and the error that ended it, if one did."""
    from r1lite.diagnosis.watch import StageWatch
    from r1lite.diagnosis.watch import read as read_lines
    from r1lite.settings.resume import flat
    from r1lite.store.config_file import read_config
    from r1lite.store.metrics import read_metrics

    settings = flat(read_config(folder))
    lines = [line for line in read_lines(folder / "diagnosis.jsonl") if line["weight"] == "error"]
    stages: dict[str, StageWatch] = {}
    for entry in read_metrics(folder / "metrics.jsonl"):
        watch = stages.setdefault(entry["stage"], StageWatch(entry["stage"], settings))
        lines += watch.take(entry["step"], {key: value for key, value in entry.items() if key not in ("stage", "step")})
    return sorted(lines, key=lambda line: line["step"])


def first_named(lines: Sequence[dict[str, Any]]) -> str:
    """The first finding of weight."""
    return next((line["name"] for line in lines if line["event"] == "begins" and line["weight"] != "note"), "nothing")


def fault_table(cases: Sequence[Case], results: dict[str, list[list[dict[str, Any]]]]) -> str:
    rows, right, total = [], 0, 0
    for case in cases:
        names = [first_named(lines) for lines in results[case.name]]
        hits = sum(name in case.expected for name in names)
        right, total = right + hits, total + len(names)
        rows.append(f"| {case.name} | {' or '.join(f'`{n}`' for n in case.expected)} | {hits} of {len(names)} | {others(case, names)} |")
    head = ["| fault | its name | named first | otherwise |", "|---|---|---|---|"]
    return "\n".join([*head, *rows, f"| all {len(cases)} faults | | {right} of {total} | |\n"])


def others(case: Case, names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names if name not in case.expected)


def healthy_table(cases: Sequence[Case], results: dict[str, list[list[dict[str, Any]]]]) -> str:
    head = ["| healthy run | runs | findings of weight | notes |", "|---|---|---|---|"]
    rows, alarms, total = [], 0, 0
    for case in cases:
        begun = [[line for line in lines if line["event"] == "begins"] for lines in results[case.name]]
        heavy = [line["name"] for lines in begun for line in lines if line["weight"] != "note"]
        notes = sorted({line["name"] for lines in begun for line in lines if line["weight"] == "note"})
        alarms, total = alarms + sum(any(line["weight"] != "note" for line in lines) for lines in begun), total + len(begun)
        rows.append(
            f"| {case.name} | {len(begun)} | {', '.join(f'`{n}`' for n in heavy) or 'none'} | {', '.join(f'`{n}`' for n in notes)} |"
        )
    return "\n".join([*head, *rows, f"| all {len(cases)} | {total} | in {alarms} | |\n"])


if __name__ == "__main__":
    main()
