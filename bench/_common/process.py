"""Sides as processes of their own: none warms the other's caches, and each peak of memory is its own."""

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


def ask(
    module: str, arguments: Sequence[Any], *, python: str = sys.executable, settings: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Run `python -m module arguments` from the checkout; give the JSON object on its last line."""
    command = [python, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, cwd=HOME, env={**os.environ, **OFFLINE, **(settings or {})}, capture_output=True, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        raise ValueError(f"{' '.join(command)}\nended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
    return json.loads(lines[-1])


def from_here(name: str | Path) -> str:
    """A file or folder by its whole path, since sides start in the checkout; any other name as it is."""
    return str(Path(name).absolute()) if Path(name).exists() else str(name)


def matrix_rates(dtype: str, device: str = "cpu") -> dict[str, float]:
    """GFLOP/s now, by each way of multiplying; what torch's linear layers reach is "linear"."""
    return ask("bench.matrix_rate", ["--dtype", dtype, "--device", device])[dtype]


def shown_rates(rates: Sequence[Mapping[str, float]]) -> str:
    limit, linear = (statistics.median(of) for of in ([max(r.values()) for r in rates], [r["linear"] for r in rates]))
    return f"{limit:,.0f} ({linear:,.0f})"


def share_of_limit(flops: float, seconds: float, rates: Mapping[str, float]) -> float:
    return flops / seconds / (max(rates.values()) * 1e9)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def with_rounds(values: Sequence[float], form: str = ".2f") -> str:
    """A median, and the rounds it is of."""
    return f"{statistics.median(values):{form}} ({', '.join(f'{v:{form}}' for v in values)})"
