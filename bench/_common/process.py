"""Runs each side of a comparison in its own process: neither warms the other's caches, and each has its own peak of memory."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parent.parent.parent
OFFLINE = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "TRANSFORMERS_VERBOSITY": "error", "PYTHONWARNINGS": "ignore"}


def run_module(
    module: str, arguments: Sequence[Any], *, python: str = sys.executable, settings: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Run `python -m module arguments` in the checkout; return the JSON object on the last line of its output."""
    command = [python, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, cwd=HOME, env={**os.environ, **OFFLINE, **(settings or {})}, capture_output=True, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        raise ValueError(f"{' '.join(command)}\nexited with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
    return json.loads(lines[-1])


def absolute_path(name: str | Path) -> str:
    """The absolute path of a file or folder, because sides start in the checkout; any other name unchanged."""
    return str(Path(name).absolute()) if Path(name).exists() else str(name)


def matrix_rates(dtype: str, device: str = "cpu") -> dict[str, float]:
    """Current GFLOP/s of each way to multiply; "linear" is torch's linear layers."""
    return run_module("bench.matrix_rate", ["--dtype", dtype, "--device", device])[dtype]


def format_rates(rates: Sequence[Mapping[str, float]]) -> str:
    limit, linear = (statistics.median(values) for values in ([max(r.values()) for r in rates], [r["linear"] for r in rates]))
    return f"{limit:,.0f} ({linear:,.0f})"


def share_of_limit(flops: float, seconds: float, rates: Mapping[str, float]) -> float:
    return flops / seconds / (max(rates.values()) * 1e9)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def median_with_rounds(values: Sequence[float], form: str = ".2f") -> str:
    """A median, with the values of the rounds in brackets."""
    return f"{statistics.median(values):{form}} ({', '.join(f'{v:{form}}' for v in values)})"
