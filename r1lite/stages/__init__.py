"""Stages: weights in, weights out. One file each; a file's name is the stage's name."""

from __future__ import annotations

from r1lite.settings.stages import EXAMPLES, LEDGER, ROLLOUTS, Stage, stage, stages
from r1lite.store.run import Place

__all__ = ["EXAMPLES", "LEDGER", "ROLLOUTS", "Place", "Stage", "stage", "stages"]
