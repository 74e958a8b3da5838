"""Stages: weights in, weights out. One file each; a file's name is the stage's name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from r1lite.registry import Registry

if TYPE_CHECKING:
    from r1lite.config import Config
    from r1lite.store.run import Place


# run(cfg, start, place): `start` holds the weights to begin from; the answer says where the new ones lie.
Stage = Callable[["Config", Path, "Place"], Path]

stages: Registry[Stage, None] = Registry("stage", "r1lite.stages")


def stage(name: str) -> Callable[[Stage], Stage]:
    """Register a stage: `@stage("sft")`."""

    def register(run: Stage) -> Stage:
        stages.register(name, run, None)
        return run

    return register
