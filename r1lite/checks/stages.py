"""Checks the settings of each stage: those that all stages share, and the stage's own check."""

from __future__ import annotations

from r1lite.build import make_objective, make_rules, make_task
from r1lite.checks.algorithm import check_algorithm
from r1lite.checks.bounds import above_zero, at_least
from r1lite.checks.sampling import check_sampling
from r1lite.config import Config, TrainingConfig
from r1lite.models import pretrained
from r1lite.scoring.dry_run import rehearse
from r1lite.settings.rounds import settings_for
from r1lite.settings.stages import BASE, earlier_than, own_settings, stage_of, start_of


def check_stage(name: str, whole: Config) -> list[str]:
    """Check a stage with the settings of its round. Returns notices."""
    cfg, changes = settings_for(whole, name), whole.rounds.get(name) or {}
    _check_start(name, cfg)
    settings = own_settings(cfg, name)
    if isinstance(settings, TrainingConfig):
        at_least(name, settings, micro_batch_tokens=1, checkpoint_every=1)
        above_zero(name, settings, "lr", "max_grad_norm")
    notices = list(stage_of(name).check(name, cfg) or ())
    if changes:
        check_learning(cfg)
    if {"rewards", "task"} & set(changes):
        rehearse(make_rules(cfg), make_task(cfg).problems("train"), cfg.scoring, parts=len(cfg.task.get("parts") or ()))
    return notices


def check_learning(cfg: Config) -> None:
    check_algorithm(cfg.algorithm)
    make_objective(cfg)
    check_sampling(cfg)


def _check_start(name: str, cfg: Config) -> None:
    start = start_of(cfg, name)
    if start not in ("previous", BASE, *earlier_than(name, cfg)):
        if start in cfg.stages:
            raise ValueError(f"{name}.start={start}, but stage {start!r} comes later in stages={cfg.stages}")
        pretrained.locate(start)
