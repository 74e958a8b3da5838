"""What the parts share: their command line, and results as JSON lines on standard output."""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from bench._common.cost import synchronize


@dataclass(kw_only=True, slots=True)
class Options:
    device: str
    quick: bool
    minutes: float
    started: float = field(default_factory=time.perf_counter)

    def left(self) -> float:
        """Seconds before the part's limit."""
        return self.minutes * 60 - (time.perf_counter() - self.started)


def options_of(doc: str | None, words: Sequence[str] | None = None) -> Options:
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--quick", action="store_true", help="every code path once, with tiny sizes; the figures mean nothing")
    parser.add_argument("--minutes", type=float, default=10.0, help="after which nothing new is begun")
    return Options(**vars(parser.parse_args(words)))


def report(what: str, **figures: Any) -> None:
    """One result. It is printed at once, so that a part that is cut short leaves what it has."""
    print(json.dumps({"what": what} | {k: round(v, 8) if isinstance(v, float) else v for k, v in figures.items()}), flush=True)


@contextmanager
def attempt(what: str) -> Iterator[None]:
    """A failure is a result as well, and the part goes on with what follows."""
    try:
        yield
    except Exception as error:
        import traceback

        report(what, failed=f"{type(error).__name__}: {error}"[:500], where=traceback.format_exc()[-1500:])
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def timed(function: Callable[[], Any]) -> tuple[Any, float]:
    synchronize()
    begun = time.perf_counter()
    value = function()
    synchronize()
    return value, time.perf_counter() - begun


def peak_mb(device: str) -> float:
    """The peak of what torch has allocated on the GPU since the last call; 0 on the CPU."""
    if not device.startswith("cuda"):
        return 0.0
    peak = torch.cuda.max_memory_allocated() / 2**20
    torch.cuda.reset_peak_memory_stats()
    return round(peak, 1)
