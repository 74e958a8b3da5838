"""Supervised training on examples: after rejection sampling, from the base again, as DeepSeek-R1 did."""

from __future__ import annotations

from pathlib import Path

from r1lite.config import Config
from r1lite.stages import stage
from r1lite.store.run import Place
from r1lite.teaching.imitation import learn_examples


@stage("sft")
def run(cfg: Config, start: Path, place: Place) -> Path:
    return learn_examples(cfg.sft, cfg, start, place)
