"""What `r1lite preflight` predicts, beside what the run then does: seconds of a step, peak memory, groups with signal.

    python -m bench.preflight [--only NAME ...] [--steps 12] [--rounds 1] [--results FILE]

Each case is looked at, then trained for a few steps in a process of its own, from the same weights and without a look. The seconds
of its first steps are the median of steps 2 to 5: later, responses have become longer. The peak of memory is that of the process.
With --results, cases that the file has are not measured again.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench._common.process import table
from bench._common.runs import read_steps, train_once

MB = 2**20
FIRST = 5  # steps, in which a policy has not learnt much yet
COMMON = "experiment=r1_zero stages=[rl] evaluate.every_stage=false rl.show_every=0"
CASES = {
    "r1_zero": "",
    "hard problems": "task.difficulty=hard",
    "groups of 16": "rl.group_size=16 rl.prompts_per_step=16",
    "a step of 1,024": "rl.prompts_per_step=128",
    "micro-batches of 2,048": "rl.micro_batch_tokens=2048",
    "grpo with KL": "algorithm=grpo algorithm.kl=k3 algorithm.kl_coef=0.04",
    "ppo with a critic": "algorithm=ppo",
    "adapters": "model.lora_rank=8",
    "bfloat16": "model.dtype=bfloat16",
    "recomputing": "model.gradient_checkpointing=true",
    "countdown": "task=countdown",
    "sampling ahead": "rl.lag=1",
}


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=CASES, help="cases")
    parser.add_argument("--steps", type=int, default=12, help="of training")
    parser.add_argument("--rounds", type=int, default=1, help="how often each case is measured; shown is the median")
    parser.add_argument("--results", type=Path, help="a file that keeps what was measured")
    parser.add_argument("--set", dest="settings", nargs="*", default=[], metavar="KEY=VALUE", help="more settings")
    options = parser.parse_args(argv)
    known: dict[str, Any] = json.loads(options.results.read_text()) if options.results and options.results.is_file() else {}
    for name in options.only or CASES:
        rounds = known.setdefault(name, [])
        while len(rounds) < options.rounds:
            rounds.append(measured(CASES[name], options.steps, options.settings))
            print(name, rounds[-1], file=sys.stderr, flush=True)
            if options.results:
                options.results.write_text(json.dumps(known, indent=1))
    print(report({name: known[name] for name in options.only or CASES}))


def measured(settings: str, steps: int, more: Sequence[str]) -> dict[str, float]:
    words = [*COMMON.split(), *settings.split(), *more]
    with tempfile.TemporaryDirectory(prefix="bench_preflight-") as name:
        folder = Path(name)
        looked = look(words, folder)
        peak = train_once(" ".join([*words, f"rl.steps={steps}", "preflight.enabled=false"]), folder / "run")
        lines = read_steps(folder / "run", "rl")
    return {
        "looked": looked["looked"]["seconds"],
        "step": looked["time"]["step"],
        "first steps of the run": statistics.median(line["seconds/total"] for line in lines[1:FIRST]),
        "step of the run": statistics.median(line["seconds/total"] for line in lines[1:]),
        "peak": looked["memory"]["peak"] / MB,
        "peak of the look": looked["memory"]["measured_peak"] / MB,
        "loaded": looked["memory"]["loaded"] / MB,
        "planned": looked["memory"]["planned"] / MB,
        "peak of the run": peak,
        "live": looked["signal"]["share"][str(looked["signal"]["group_size"])],
        "live of the run": 1 - statistics.fmean(line["zero_variance_share"] for line in lines[:2]),
    }


def look(words: Sequence[str], folder: Path) -> dict[str, Any]:
    program = "from r1lite.cli import main; main()"
    command = [sys.executable, "-c", program, "preflight", *words, f"output={folder / 'look.json'}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    if not (folder / "look.json").is_file():
        raise ValueError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return json.loads((folder / "look.json").read_text(encoding="utf-8"))


def report(known: dict[str, list[dict[str, float]]]) -> str:
    rows = []
    for name, rounds in known.items():
        found = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
        rows.append(
            [
                name,
                f"`{CASES[name]}`" if CASES[name] else "",
                f"{found['step']:.2f}",
                f"{found['first steps of the run']:.2f}",
                f"{found['step'] / found['first steps of the run']:.2f}",
                f"{found['step of the run']:.2f}",
                f"{found['peak']:,.0f}",
                f"{found['peak of the run']:,.0f}",
                f"{found['peak'] / found['peak of the run']:.2f}",
                f"{found['live']:.0%}",
                f"{found['live of the run']:.0%}",
                f"{found['looked']:.0f}",
            ]
        )
    head = [
        "run",
        "settings",
        "s a step",
        "first steps",
        "ratio",
        "all steps",
        "peak, MB",
        "of the run",
        "ratio",
        "live",
        "of the run",
        "look, s",
    ]
    return table(head, rows)


if __name__ == "__main__":
    main()
