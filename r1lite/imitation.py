"""Supervised training, shared by every stage that learns from examples: the loss is on the completion only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import TypeVar

from r1lite.config import Config, ImitationConfig, TrainingConfig
from r1lite.loop import run_steps
from r1lite.objective import IMITATE
from r1lite.policy import Policy
from r1lite.run import Place
from r1lite.setup import make_policy, make_prompter
from r1lite.traces import FILE, demonstrations, from_file
from r1lite.types import Sample

T = TypeVar("T")
Batches = Callable[[int], Sequence[Sample]]  # step -> the samples of that step


def learn_examples(cfg: ImitationConfig, whole: Config, start: Path, place: Place) -> Path:
    """Supervised training on the task's demonstrations, an earlier stage's data, or a file."""
    policy = make_policy(start, whole, cfg, steps=cfg.steps)
    prompter = make_prompter(policy.tokenizer, whole)
    seed = f"{whole.seed}/{place.name}"
    if cfg.data == "task":
        samples = demonstrations(whole, cfg.examples, prompter, seed=seed)
    else:
        made = place.run / cfg.data / FILE
        samples = from_file(made if made.is_file() else Path(cfg.data), prompter)
        samples = samples[: cfg.examples or None]
    imitate(policy, epochs(samples, cfg.batch_size, seed), cfg, place, steps=cfg.steps)
    return place.final


def imitate(policy: Policy, batches: Batches, cfg: TrainingConfig, place: Place, *, steps: int) -> None:
    """Train for a number of steps, going on from the stage's last checkpoint, and save the result."""
    run_steps(policy, lambda step: policy.step(batches(step), IMITATE), cfg, place, steps=steps, shown=("loss", "entropy"))


def epochs(samples: Sequence[T], batch_size: int, seed: str) -> Callable[[int], list[T]]:
    """Batches that go through all samples in a new order each epoch; a function of the step alone."""
    if not samples:
        raise ValueError("there are no examples to train on")

    def batch(step: int) -> list[T]:
        taken: list[T] = []
        for position in range((step - 1) * batch_size, step * batch_size):
            epoch, at = divmod(position, len(samples))
            taken.append(samples[_order(len(samples), f"{seed}/{epoch}")[at]])
        return taken

    return batch


_orders: dict[tuple[int, str], list[int]] = {}


def _order(count: int, seed: str) -> list[int]:
    if (count, seed) not in _orders:
        _orders.clear()  # only the running epoch's order is needed
        order = list(range(count))
        Random(seed).shuffle(order)
        _orders[count, seed] = order
    return _orders[count, seed]
