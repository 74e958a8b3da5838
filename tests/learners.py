"""What tests do with models in training."""

from __future__ import annotations

from pathlib import Path

from r1lite.store.checkpoint import Checkpoints
from r1lite.types import Learner


def hand_over(one: Learner, other: Learner, folder: Path) -> None:
    """Save the one, and restore the other from it."""
    Checkpoints(folder / "handed-over").save(1, one)
    Checkpoints(folder / "handed-over").restore(other)
