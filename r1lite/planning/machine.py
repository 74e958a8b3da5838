"""The machines that a run may get: cards with their memory and rates, or the CPUs of this one."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from r1lite.registry import unknown

GB = 10**9
WRITTEN = re.compile(r"(?:(?:(?P<machines>[1-9]\d*)x)?(?P<count>[1-9]\d*)x)?(?:(?P<size>[1-9]\d*)(?:gb?)?|(?P<card>[a-z]\w*))")
FORM = "gpus is written as 8x80 (cards of 80 GB), 8xh100, 4x8xh200 (machines of 8 cards), or cpu"


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """A GPU, or the CPUs of a machine: peak rates, as its vendor states them."""

    memory: float  # bytes
    flops: float  # of dense bfloat16 products, a second
    memory_rate: float  # bytes a second
    link_rate: float  # bytes a second between the cards of a machine, one way


# Vendors' data sheets: bfloat16 without sparsity, memory, NVLink or PCIe in one direction.
CARDS = {
    "rtx4090": Card(memory=24 * GB, flops=165e12, memory_rate=1.008e12, link_rate=32e9),  # NVIDIA Ada architecture, PCIe 4.0 x16
    "l40s": Card(memory=48 * GB, flops=362e12, memory_rate=0.864e12, link_rate=32e9),  # NVIDIA L40S datasheet, PCIe 4.0 x16
    "a100_40": Card(memory=40 * GB, flops=312e12, memory_rate=1.555e12, link_rate=300e9),  # NVIDIA A100 datasheet
    "a100": Card(memory=80 * GB, flops=312e12, memory_rate=2.039e12, link_rate=300e9),  # NVIDIA A100 80GB SXM datasheet
    "h100": Card(memory=80 * GB, flops=989e12, memory_rate=3.35e12, link_rate=450e9),  # NVIDIA H100 SXM datasheet
    "h200": Card(memory=141 * GB, flops=989e12, memory_rate=4.8e12, link_rate=450e9),  # NVIDIA H200 SXM datasheet
    "b200": Card(memory=180 * GB, flops=2250e12, memory_rate=7.7e12, link_rate=900e9),  # NVIDIA DGX B200 datasheet, per GPU
    "mi300x": Card(memory=192 * GB, flops=1307e12, memory_rate=5.3e12, link_rate=448e9),  # AMD MI300X datasheet
}
BY_SIZE = {24: "rtx4090", 40: "a100_40", 48: "l40s", 80: "a100", 141: "h200", 180: "b200", 192: "mi300x"}  # the slower one of two
NETWORK_RATE = 50e9  # bytes a second and card between machines: a network card of 400 Gbit/s for each


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """What a run gets."""

    name: str
    card: Card
    count: int  # of cards, or of ranks on the CPU
    machines: int = 1

    @property
    def is_gpu(self) -> bool:
        return self.name != "cpu"

    @property
    def link_rate(self) -> float:
        """Of the slowest link that gradients and weights cross."""
        return self.card.link_rate if self.machines == 1 else min(self.card.link_rate, NETWORK_RATE)


def machine_of(text: str, *, ranks: int = 1) -> Machine:
    """From the value of `gpus`. On the CPU, `ranks` share this machine, whose rates are measured in half a second."""
    if text == "cpu":
        return Machine(name="cpu", card=this_machine(ranks), count=ranks)
    written = WRITTEN.fullmatch(text.lower())
    if not written:
        raise ValueError(f"gpus={text!r} cannot be read: {FORM}. Cards: {', '.join(CARDS)}.")
    machines, count = int(written["machines"] or 1), int(written["count"] or 1)
    if size := written["size"]:
        nearest = BY_SIZE[min(BY_SIZE, key=lambda known: abs(known - int(size)))]
        card, name = replace(CARDS[nearest], memory=int(size) * GB), f"{size} GB, rates of {nearest}"
    elif (name := written["card"]) in CARDS:
        card = CARDS[name]
    else:
        raise ValueError(f"{unknown('card', name, CARDS)} {FORM}.")
    return Machine(name=name, card=card, count=machines * count, machines=machines)


def this_machine(ranks: int) -> Card:
    """The share of this machine that each of several ranks gets."""
    products, copies = measured_rates()
    return Card(memory=memory_of_machine() / ranks, flops=products / ranks, memory_rate=copies / ranks, link_rate=copies / ranks)


def memory_of_machine() -> int:
    """Bytes of memory, or those that the container may use."""
    limit = Path("/sys/fs/cgroup/memory.max")
    own = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    text = limit.read_text().strip() if limit.is_file() else "max"
    return min(own, int(text)) if text.isdigit() else own


def measured_rates() -> tuple[float, float]:
    """Operations a second of a float32 product as the trainer computes it, and bytes a second of a copy."""
    import torch

    from r1lite.models.cpu.linear import product

    a, b, source = torch.ones(1024, 1024), torch.ones(1024, 1024), torch.ones(2**24)
    target = torch.empty_like(source)
    return 2 * 1024**3 / _best(lambda: product(a, b)), 2 * source.nbytes / _best(lambda: target.copy_(source))


def _best(function: Callable[[], object]) -> float:
    best, until = float("inf"), time.perf_counter() + 0.25
    while time.perf_counter() < until:
        started = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - started)
    return best
