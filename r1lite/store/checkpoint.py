"""Checkpoints: written whole or not at all, and enough to go on bit for bit.

There is no random state to save: every draw is seeded by what it is for (seed, stage, step, problem, index), and the
position in the data is a function of the step.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from r1lite.store.files import atomic, read_json, remove, write_json

if TYPE_CHECKING:
    from torch import Tensor

    from r1lite.types import Learner

KEEP = 2
PAST = "past.safetensors"


class Checkpoints:
    """The checkpoints of one stage. A step is a training step of the stage, whatever it holds of optimiser steps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(
        self, step: int, learner: Learner, *, position: int = 0, settled: Collection[str] = (), past: Mapping[str, Tensor] | None = None
    ) -> None:
        """`settled`: what a curriculum knows. `past`: the weights that the next step was sampled with, where they are not the learner's."""
        import torch
        from safetensors.torch import save_file

        with atomic(self.folder / f"step-{step:06d}") as part:
            part.mkdir(parents=True)
            # Tied weights are one tensor under two names, which safetensors refuses: named_parameters() gives each once.
            save_file({name: p.detach().contiguous() for name, p in learner.weights()}, part / "weights.safetensors")
            if past:
                save_file({name: tensor.contiguous() for name, tensor in past.items()}, part / PAST)
            torch.save(learner.state(), part / "state.pt")
            write_json(part / "step.json", {"step": step, "position": position, "settled": sorted(settled)})
        for old in self._all()[:-KEEP]:
            remove(old)

    def restore(self, learner: Learner) -> tuple[int, int]:
        """Bring the learner to its last checkpoint; give the steps done and the position in the data."""
        import torch
        from safetensors.torch import load_file

        found = self._all()
        if not found:
            return 0, 0
        # weights_only: a checkpoint is tensors and numbers, and nothing in it may run.
        # To the CPU: the learner has its own memory already, and may be on another device than it was.
        state = torch.load(found[-1] / "state.pt", weights_only=True, map_location="cpu")
        learner.restore(load_file(found[-1] / "weights.safetensors"), state)
        where = read_json(found[-1] / "step.json")
        return where["step"], where["position"]

    def past(self) -> dict[str, Tensor]:
        """The weights that the step after the last checkpoint was sampled with; none where they are the learner's."""
        from safetensors.torch import load_file

        found = self._all()
        return load_file(found[-1] / PAST) if found and (found[-1] / PAST).exists() else {}

    def settled(self) -> list[str]:
        """The problems that the last checkpoint's curriculum thought settled."""
        found = self._all()
        return read_json(found[-1] / "step.json").get("settled", []) if found else []

    def clear(self) -> None:
        """A finished stage needs none."""
        remove(self.folder)

    def _all(self) -> list[Path]:
        return sorted(p for p in self.folder.glob("step-*") if re.fullmatch(r"step-\d+", p.name))
