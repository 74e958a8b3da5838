"""Cold start: a short supervised step on a small set of worked examples, so that reasoning becomes likely at all."""

from __future__ import annotations

from pathlib import Path

from r1lite.config import Config
from r1lite.stages import stage
from r1lite.store.run import Place
from r1lite.teaching.imitation import learn_examples


@stage("cold_start")
def run(cfg: Config, start: Path, place: Place) -> Path:
    return learn_examples(cfg.cold_start, cfg, start, place)
