"""Cold start: a short supervised step on a small set of worked examples, so that reasoning becomes likely at all."""

from __future__ import annotations

from pathlib import Path

from r1lite.checks.examples import check_examples
from r1lite.config import ColdStartConfig, Config
from r1lite.stages import Place, stage
from r1lite.teaching.imitation import CARD, data_of, learn_examples, left_by


@stage("cold_start", config=ColdStartConfig, check=check_examples, reads=data_of, leaves=left_by, uses=("task",), card=CARD)
def run(cfg: Config, start: Path, place: Place) -> Path:
    return learn_examples(cfg.cold_start, cfg, start, place)
