"""Checks the settings of a distillation."""

from __future__ import annotations

from r1lite.checks.bounds import at_least
from r1lite.checks.examples import check_quality, check_teacher
from r1lite.config import Config, DistillConfig
from r1lite.losses.distill import KINDS
from r1lite.models import pretrained
from r1lite.models.vocabulary import USE_TRACES, check_same_vocabulary
from r1lite.registry import unknown
from r1lite.settings.stages import BASE, stage_of

TEACHERS, METHODS = ("local", "endpoint"), ("traces", "on_policy")


def check_distill(name: str, cfg: Config) -> None:
    settings = cfg.distill
    at_least(name, settings, prompts=1, samples=1, keep_per_prompt=1)
    check_quality(cfg.quality)
    pretrained.locate(settings.student)
    for choice, known in (("teacher", TEACHERS), ("method", METHODS), ("loss", KINDS)):
        if getattr(settings, choice) not in known:
            raise ValueError(unknown(f"{name}.{choice}", getattr(settings, choice), known))
    at_least(name, settings, steps=1, batch_size=1, top_k=0)
    if not 0 <= settings.on_policy_share <= 1:
        raise ValueError(f"{name}.on_policy_share must be between 0 and 1, got {settings.on_policy_share}")
    if settings.loss == "jsd" and not 0 < settings.beta < 1:
        raise ValueError(
            f"{name}.beta must be above 0 and below 1, got {settings.beta}; for its limits, set loss=forward_kl or loss=reverse_kl"
        )
    if settings.teacher == "endpoint":
        check_teacher(cfg.teacher)
    if settings.method == "on_policy":
        _check_vocabularies(name, cfg, settings)


def _check_vocabularies(name: str, cfg: Config, settings: DistillConfig) -> None:
    """Checked here, before hours of training a teacher whose tokens the student cannot use."""
    if settings.teacher == "endpoint":
        raise ValueError(
            f"{name}.method=on_policy needs the teacher's distribution over the student's tokens, which no endpoint provides. {USE_TRACES}"
        )
    if stage_of(cfg.stages[0]).from_scratch:
        return  # the tokenizer does not exist yet
    start = cfg.model.path if settings.start in ("previous", BASE, *cfg.stages) else settings.start
    check_same_vocabulary(pretrained.load_tokenizer(start), pretrained.load_tokenizer(settings.student))
