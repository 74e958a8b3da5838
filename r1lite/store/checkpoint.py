"""Checkpoints: each is written completely or not at all, and contains all that is needed to resume with equal results.

All ranks write one together, and any number of ranks can resume from it. No random state is saved: every draw is seeded by its
purpose (seed, stage, step, problem, index). What else a stage needs in order to resume is its own `extra`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from r1lite.parallel import exchange, world
from r1lite.store.files import remove
from r1lite.store.tensors import load_folder, read_about, save_folder

if TYPE_CHECKING:
    from torch import Tensor

    from r1lite.types import Learner

KEEP = 2  # latest checkpoints
LEARNER = "learner"


@dataclass(frozen=True, kw_only=True, slots=True)
class Resumed:
    """The last checkpoint, except for the learner's own weights and state."""

    step: int = 0  # training steps done
    extra: Mapping[str, Any] = field(default_factory=dict)  # the stage's own values, as JSON
    weights: Mapping[str, dict[str, Tensor]] = field(default_factory=dict)  # the stage's own sets of weights, by name


class Checkpoints:
    """The checkpoints of one stage. A step is a training step of the stage, however many optimiser updates that is."""

    def __init__(self, folder: Path, *, in_background: bool = False) -> None:
        self.folder = folder
        self.writer = ThreadPoolExecutor(1, "checkpoint") if in_background else None
        self.pending: Future[None] | None = None

    def save(
        self,
        step: int,
        learner: Learner,
        *,
        extra: Mapping[str, Any] | None = None,
        weights: Mapping[str, Mapping[str, Tensor]] | None = None,
    ) -> None:
        """Save the learner, and the stage's own values and sets of weights, which are weights like the learner's.

        In the background, what is saved is copied to the CPU's memory first, and written while training goes on.
        """
        self.wait()
        sets = {name: of_set for name, of_set in (weights or {}).items() if of_set}
        tensors = {f"{name}/{key}": tensor.detach() for name, of_set in sets.items() for key, tensor in of_set.items()}
        tensors |= {f"{LEARNER}/{key}": tensor.detach() for key, tensor in learner.tensors().items()}
        about = {"step": step, "sets": sorted(sets), "numbers": learner.numbers(), "extra": dict(extra or {})}
        if self.writer is None:
            self._write(step, tensors, about)
            return
        context = copy_context()
        context.run(world.use_channel, world.CHECKPOINT)
        copies = {name: tensor.to("cpu", copy=True) for name, tensor in tensors.items()}
        self.pending = self.writer.submit(context.run, self._write, step, copies, about)

    def wait(self) -> None:
        """Wait for the checkpoint that is being written."""
        pending, self.pending = self.pending, None
        if pending is not None:
            pending.result()

    def restore(self, learner: Learner) -> Resumed:
        """Restore the learner from the last checkpoint, if there is one, and return the rest of that checkpoint."""
        import torch

        if not self._all():
            return Resumed()
        last = self._all()[-1]
        about = read_about(last)
        learner.resume(about["numbers"])
        weights = {name: {key: torch.empty_like(tensor) for key, tensor in learner.weights()} for name in about["sets"]}
        tensors = {f"{LEARNER}/{key}": tensor for key, tensor in learner.tensors().items()}
        tensors |= {f"{name}/{key}": tensor for name, of_set in weights.items() for key, tensor in of_set.items()}
        load_folder(last, tensors)
        learner.resumed()
        return Resumed(step=about["step"], extra=about["extra"], weights=weights)

    def clear(self) -> None:
        """Remove all checkpoints: a finished stage needs none."""
        exchange.leader_writes(lambda: remove(self.folder))

    def _write(self, step: int, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
        save_folder(self.folder / f"step-{step:06d}", tensors, about)
        exchange.leader_writes(self._prune)

    def _prune(self) -> None:
        for old in self._all()[:-KEEP]:
            remove(old)

    def _all(self) -> list[Path]:
        return sorted(p for p in self.folder.glob("step-*") if re.fullmatch(r"step-\d+", p.name))
