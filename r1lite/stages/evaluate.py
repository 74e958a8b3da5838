"""Evaluation as a stage: `stages=[evaluate] model.path=PATH` prints the table of any model."""

from __future__ import annotations

from pathlib import Path

from r1lite.config import Config, EvaluateConfig
from r1lite.parallel import exchange
from r1lite.reporting.evaluation import evaluate
from r1lite.stages import Place, stage
from r1lite.store.files import write_json
from r1lite.store.ledger import Ledger


@stage("evaluate", config=EvaluateConfig, tests=True, card=("samples",))
def run(cfg: Config, start: Path, place: Place) -> Path:
    """Write `evaluation.json` and the rollouts. The weights do not change."""
    results = evaluate(start, cfg, ledger=Ledger(place.out / "rollouts", place.name))
    exchange.leader_writes(lambda: write_json(place.out / "evaluation.json", results))
    return start
