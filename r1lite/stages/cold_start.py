"""Cold start: short supervised training on a few worked examples, after which the model reasons often enough to be rewarded."""

from __future__ import annotations

from pathlib import Path

from r1lite.checks.examples import check_examples
from r1lite.config import ColdStartConfig, Config
from r1lite.stages import Place, stage
from r1lite.teaching.imitation import CARD, data_of, learn_examples, left_by


@stage("cold_start", config=ColdStartConfig, check=check_examples, reads=data_of, leaves=left_by, uses=("task",), card=CARD)
def run(cfg: Config, start: Path, place: Place) -> Path:
    return learn_examples(cfg.cold_start, cfg, start, place)
