"""Rejection sampling: many answers to many prompts, of which only the right and readable ones become a data set."""

from __future__ import annotations

from pathlib import Path

from r1lite.config import Config
from r1lite.models import pretrained
from r1lite.stages import stage
from r1lite.store.run import Place
from r1lite.teaching.sampled import sample_traces


@stage("reject")
def run(cfg: Config, start: Path, place: Place) -> Path:
    """Writes `data.jsonl`; the weights stay what they were."""
    model, tokenizer = pretrained.load(str(start), cfg.model)
    sample_traces(model, tokenizer, cfg, cfg.reject, folder=place.out, name=place.name)
    return start
