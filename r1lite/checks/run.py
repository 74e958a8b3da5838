"""All checks of a configuration, before any work is done."""

from __future__ import annotations

from collections.abc import Sequence

from r1lite.build import SAMPLERS, make_rules, make_task
from r1lite.checks.algorithm import check_rules
from r1lite.checks.bounds import above_zero, at_least, not_negative
from r1lite.checks.data import check_data_settings
from r1lite.checks.episodes import check_episodes
from r1lite.checks.functions import check_functions
from r1lite.checks.stages import check_learning, check_stage
from r1lite.config import Config
from r1lite.models import pretrained
from r1lite.models.adapters import require_peft
from r1lite.registry import unknown
from r1lite.scoring.dry_run import rehearse, try_some_golds
from r1lite.settings.rounds import kind_of
from r1lite.settings.stages import stage_of, stages, tests_itself
from r1lite.trackers import check_trackers
from r1lite.types import Problem, Task


def check(cfg: Config) -> list[str]:
    """Raise ValueError for the first error, with its setting and the remedy. Returns notices about settings that are merely odd."""
    if not cfg.stages:
        raise ValueError("stages is empty: name at least one, such as stages=[rl]")
    for name in (*cfg.stages, *cfg.rounds):
        if kind_of(name) not in stages.names():
            raise ValueError(unknown("stage", name, stages.names()))
    if len(set(cfg.stages)) < len(cfg.stages):
        raise ValueError(f"stages has a name twice: {cfg.stages}. To repeat a stage, add a number, such as rl_2.")
    if cfg.sampler.name not in SAMPLERS:
        raise ValueError(unknown("sampler", cfg.sampler.name, SAMPLERS))
    if not stage_of(cfg.stages[0]).from_scratch:
        pretrained.locate(cfg.model.path)
    pretrained.dtype_of(cfg.model.dtype)
    pretrained.device_of(cfg.model.device)
    at_least("model", cfg.model, lora_rank=0)
    if cfg.model.dora and not cfg.model.lora_rank:
        raise ValueError("model.dora is a kind of adapter, so it needs model.lora_rank above 0")
    if cfg.model.lora_rank:
        require_peft()
    task = make_task(cfg)  # this also loads the plugins
    check_trackers(cfg.track)
    problems = _problems(cfg, task)
    check_functions(cfg)
    rules = make_rules(cfg)
    check_learning(cfg)
    check_rules(cfg, rules)
    check_episodes(cfg)
    _scoring(cfg)
    _evaluate(cfg)
    check_data_settings(cfg)
    at_least("parity", cfg.parity, sequences=0)
    above_zero("parity", cfg.parity, "threshold", "threshold_bfloat16")
    at_least("preflight", cfg.preflight, problems=1)
    above_zero("preflight", cfg.preflight, "seconds")
    not_negative("preflight", cfg.preflight, "share", "memory_gb")
    notices = [notice for name in cfg.stages for notice in check_stage(name, cfg)]
    notices += [f"{name} is not in stages={cfg.stages}, so its settings have no effect" for name in cfg.rounds if name not in cfg.stages]
    notices += rehearse(rules, problems, cfg.scoring, parts=len(cfg.task.get("parts") or ()))
    return [*getattr(task, "notices", ()), *notices, *try_some_golds(rules, task, problems, cfg.scoring)]


def _scoring(cfg: Config) -> None:
    at_least("scoring", cfg.scoring, workers=0, memory_mb=1)
    above_zero("scoring", cfg.scoring, "seconds")


def _evaluate(cfg: Config) -> None:
    if not cfg.evaluate.splits:
        raise ValueError("evaluate.splits is empty: name at least one, such as [test]")
    at_least("evaluate", cfg.evaluate, problems=1, samples=1)
    if not 1 <= cfg.evaluate.k <= cfg.evaluate.samples:
        raise ValueError(f"evaluate.k must be between 1 and evaluate.samples ({cfg.evaluate.samples}), got {cfg.evaluate.k}")


def _problems(cfg: Config, task: Task) -> Sequence[Problem]:
    """Read the problems once, so that a missing file or a bad row is reported before a model is loaded."""
    training = any("task" in stage_of(name).uses for name in cfg.stages)
    splits = [*(["train"] if training else []), *(cfg.evaluate.splits if tests_itself(cfg) else [])]
    return next(iter([task.problems(split) for split in splits]), ())
