"""Supervised training on examples: after rejection sampling, starting again from the base model, as in DeepSeek-R1."""

from __future__ import annotations

from pathlib import Path

from r1lite.checks.examples import check_examples
from r1lite.config import Config, SFTConfig
from r1lite.stages import Place, stage
from r1lite.teaching.imitation import CARD, data_of, learn_examples, left_by


@stage("sft", config=SFTConfig, check=check_examples, reads=data_of, leaves=left_by, card=CARD)
def run(cfg: Config, start: Path, place: Place) -> Path:
    return learn_examples(cfg.sft, cfg, start, place)
