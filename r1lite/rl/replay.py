"""Trains the rollouts of an earlier run again, step by step, from its ledger. What an asynchronous run trained on depends on timing;
replayed, it gives the same weights."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from torch import Tensor

from r1lite.parallel import exchange
from r1lite.rl.collect import Collected
from r1lite.scoring.scorer import Scorer
from r1lite.store.ledger import Ledger

Weights = Iterable[tuple[str, Tensor]]


class Replay:
    """Reads each step's groups. Nothing is sampled and nothing is scored, so there is nothing to check or to keep either."""

    def __init__(self, folder: Path, scorer: Scorer) -> None:
        if not folder.is_dir():
            raise ValueError(f"rl.replay: there is no folder {folder}. A stage keeps its rollouts in RUN/STAGE/rollouts.")
        self.ledger, self.scorer = Ledger(folder, "replay"), scorer
        self.past: dict[str, Tensor] = {}

    def __enter__(self) -> Replay:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    def take(self, step: int) -> Collected:
        groups = exchange.on_leader(lambda: self.ledger.read(step))
        if groups is None:
            raise ValueError(f"rl.replay: {self.ledger.folder} has no rollouts of step {step}. Set rl.steps to the steps that it has.")
        self.scorer.count(groups)
        return Collected(
            groups=groups,
            sampled_by=[0] * len(groups),
            weights_step=step - 1,
            position=0,
            settled=(),
            prompts={},
            broken=self.scorer.broken(),
            seconds={},
            probes=[],
        )

    def keep_past(self, weights: Weights) -> None:
        """Nothing samples."""

    def sync(self, step: int, weights: Weights) -> None:
        """Nothing samples."""

    def progress(self, collected: Collected) -> dict[str, Any]:
        return {"position": 0, "settled": []}
