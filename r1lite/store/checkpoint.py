"""Checkpoints: each is written completely or not at all, and contains all that is needed to resume with equal results.

No random state is saved: every draw is seeded by its purpose (seed, stage, step, problem, index). What else a stage needs in
order to resume is its own `extra`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from r1lite.parallel import world
from r1lite.store.files import atomic, read_json, remove, write_json

if TYPE_CHECKING:
    from torch import Tensor

    from r1lite.types import Learner

KEEP = 2  # latest checkpoints
LEARNER = "weights"


@dataclass(frozen=True, kw_only=True, slots=True)
class Resumed:
    """The last checkpoint, except for the learner's own weights and state."""

    step: int = 0  # training steps done
    extra: Mapping[str, Any] = field(default_factory=dict)  # the stage's own values, as JSON
    weights: Mapping[str, dict[str, Tensor]] = field(default_factory=dict)  # the stage's own sets of weights, by name


class Checkpoints:
    """The checkpoints of one stage. A step is a training step of the stage, however many optimiser updates that is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(
        self,
        step: int,
        learner: Learner,
        *,
        extra: Mapping[str, Any] | None = None,
        weights: Mapping[str, Mapping[str, Tensor]] | None = None,
    ) -> None:
        """Save the learner, and the stage's own values and sets of weights. An empty set of weights is not written."""
        if not world.is_leader():
            return
        import torch
        from safetensors.torch import save_file

        with atomic(self.folder / f"step-{step:06d}") as part:
            part.mkdir(parents=True)
            # Tied weights are one tensor under two names, which safetensors refuses: named_parameters() gives each once.
            for name, tensors in {**(weights or {}), LEARNER: dict(learner.weights())}.items():
                if tensors:
                    save_file({key: tensor.detach().contiguous() for key, tensor in tensors.items()}, _weights_file(part, name))
            torch.save(learner.state(), part / "state.pt")
            write_json(part / "step.json", {"step": step, **(extra or {})})
        for old in self._all()[:-KEEP]:
            remove(old)

    def restore(self, learner: Learner) -> Resumed:
        """Restore the learner from the last checkpoint, if there is one, and return the rest of that checkpoint."""
        import torch
        from safetensors.torch import load_file

        if not self._all():
            return Resumed()
        last = self._all()[-1]
        # weights_only: a checkpoint consists of tensors and numbers, and nothing in it may be executed.
        # To the CPU: the learner's tensors exist already, and may be on another device than before.
        state = torch.load(last / "state.pt", weights_only=True, map_location="cpu")
        learner.restore(load_file(_weights_file(last, LEARNER)), state)
        extra = read_json(last / "step.json")
        others = {path.stem: load_file(path) for path in last.glob("*.safetensors") if path.stem != LEARNER}
        return Resumed(step=extra.pop("step"), extra=extra, weights=others)

    def clear(self) -> None:
        """Remove all checkpoints: a finished stage needs none."""
        if world.is_leader():
            remove(self.folder)

    def _all(self) -> list[Path]:
        return sorted(p for p in self.folder.glob("step-*") if re.fullmatch(r"step-\d+", p.name))


def _weights_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.safetensors"
