"""Rejection sampling: samples many responses to many prompts, and makes a data set of the correct and readable ones."""

from __future__ import annotations

from pathlib import Path

from r1lite.build import make_prompter
from r1lite.checks.bounds import at_least
from r1lite.checks.examples import check_quality
from r1lite.config import Config, RejectConfig
from r1lite.models import pretrained
from r1lite.stages import EXAMPLES, ROLLOUTS, Place, stage
from r1lite.teaching.sampled import traces_from_model

CARD = ("prompts", "samples", "keep_per_prompt")


def check(name: str, cfg: Config) -> None:
    at_least(name, cfg.reject, prompts=1, samples=1, keep_per_prompt=1)
    check_quality(cfg.quality)


@stage("reject", config=RejectConfig, check=check, leaves=lambda cfg: (EXAMPLES, ROLLOUTS), uses=("task", "rewards"), card=CARD)
def run(cfg: Config, start: Path, place: Place) -> Path:
    """Write `data.jsonl`. The weights do not change."""
    model, tokenizer = pretrained.load(str(start), cfg.model)
    traces_from_model(model, make_prompter(tokenizer, cfg), cfg, cfg.reject, place)
    return start
