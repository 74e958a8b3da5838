"""Evaluation as a stage: `stages=[evaluate] model.path=PATH` gives any model's table."""

from __future__ import annotations

from pathlib import Path

from r1lite.config import Config, EvaluateConfig
from r1lite.reporting.evaluation import evaluate
from r1lite.stages import Place, stage
from r1lite.store.files import write_json
from r1lite.store.ledger import Ledger


@stage("evaluate", config=EvaluateConfig, tests=True, card=("samples",))
def run(cfg: Config, start: Path, place: Place) -> Path:
    """Writes `evaluation.json` and the rollouts; the weights stay what they were."""
    found = evaluate(start, cfg, ledger=Ledger(place.out / "rollouts", place.name))
    write_json(place.out / "evaluation.json", found)
    return start
