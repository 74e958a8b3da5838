"""What can be known to be wrong with a stage, before any has begun."""

from __future__ import annotations

from pathlib import Path

from r1lite.build import make_objective, make_rules, make_task
from r1lite.checks.algorithm import check_algorithm, check_lag
from r1lite.checks.bounds import above_zero, at_least, not_negative
from r1lite.checks.data import check_curriculum, check_data
from r1lite.checks.distill import check_distill, check_examples, check_quality
from r1lite.checks.sampling import check_sampling
from r1lite.config import (
    Config,
    DistillConfig,
    DPOConfig,
    ImitationConfig,
    PreferenceConfig,
    PretrainConfig,
    RejectConfig,
    RewardModelConfig,
    RLConfig,
    TrainingConfig,
)
from r1lite.data.examples import FROM_MODELS
from r1lite.losses.preference import KINDS
from r1lite.models import pretrained
from r1lite.registry import unknown
from r1lite.scoring.dry_run import rehearse
from r1lite.settings.rounds import kind_of, settings_for


def check_stage(name: str, cfg: Config) -> list[str]:
    """A stage, as its round has it; and what is odd about it."""
    kind, changes = kind_of(name), cfg.rounds.get(name) or {}
    if hasattr(cfg, kind):
        _stage(name, getattr(cfg, kind), cfg)
    if changes:
        check_learning(cfg)
    if {"rewards", "task"} & set(changes):
        rehearse(cfg, make_rules(cfg), make_task(cfg).problems("train"))
    if kind == "reward_model" and (cfg.model.lora_rank or cfg.model.freeze):
        return [f"{name} trains all of its weights: model.lora_rank and model.freeze are for the policy"]
    return check_lag(cfg.rl.lag, cfg.algorithm) if kind == "rl" else []


def check_learning(cfg: Config) -> None:
    check_algorithm(cfg.algorithm)
    make_objective(cfg)
    check_sampling(cfg)


def _stage(name: str, settings: object, cfg: Config) -> None:
    earlier = cfg.stages[: cfg.stages.index(name)]
    start = getattr(settings, "start", "previous")
    if start not in ("previous", "base", *earlier):
        if start in cfg.stages:
            raise ValueError(f"{name}.start={start}, but stage {start!r} comes later in stages={cfg.stages}")
        pretrained.locate(start)
    if isinstance(settings, TrainingConfig):
        at_least(name, settings, micro_batch_tokens=1, checkpoint_every=1)
        above_zero(name, settings, "lr", "max_grad_norm")
    if isinstance(settings, ImitationConfig):
        at_least(name, settings, steps=1, batch_size=1)
        if settings.data not in ("task", *FROM_MODELS, *earlier) and not Path(settings.data).is_file():
            raise ValueError(
                f"{name}.data={settings.data} is neither task, nor an earlier stage of {cfg.stages}, nor a file, nor teacher or own"
            )
        if settings.data in earlier and not _leaves_examples(settings.data, cfg):
            raise ValueError(f"{name}.data={settings.data}: that stage leaves no examples. reject does, and whatever samples its own data")
        if settings.data == "task" and settings.examples < 1:
            raise ValueError(f"{name}.examples must be at least 1, got {settings.examples}")
        check_examples(name, settings, cfg)
    if isinstance(settings, PreferenceConfig):
        at_least(name, settings, steps=1, batch_size=1, pairs=0, pairs_per_prompt=1)
        check_data(name, settings, earlier)
    if isinstance(settings, RewardModelConfig):
        not_negative(name, settings, "centring")
        if not 0 <= settings.held_out < 1:
            raise ValueError(f"reward_model.held_out must be at least 0 and below 1, got {settings.held_out}")
    if isinstance(settings, DPOConfig):
        above_zero(name, settings, "beta")
        if settings.loss not in KINDS:
            raise ValueError(unknown("dpo.loss", settings.loss, KINDS))
        not_negative(name, settings, "nll_coef")
        if not 0 <= settings.label_smoothing < 0.5:
            raise ValueError(f"dpo.label_smoothing must be at least 0 and below 0.5, got {settings.label_smoothing}")
    if isinstance(settings, RLConfig):
        _rl(name, settings, cfg)
    if isinstance(settings, PretrainConfig) and settings.vocabulary and settings.vocabulary < 256:
        raise ValueError(f"pretrain.vocabulary must be 0 or at least 256, as many as there are bytes, got {settings.vocabulary}")
    if isinstance(settings, RejectConfig | DistillConfig):
        at_least(name, settings, prompts=1, samples=1, keep_per_prompt=1)
        check_quality(cfg.quality)
    if isinstance(settings, DistillConfig):
        pretrained.locate(settings.student)
        check_distill(cfg, settings)


def _rl(name: str, settings: RLConfig, cfg: Config) -> None:
    at_least(name, settings, steps=1, prompts_per_step=1, updates_per_step=1, epochs=1, group_size=1)
    check_curriculum(settings.curriculum)
    # Where nothing is compared within the group (PPO, REINFORCE++), one response a prompt will do.
    alone = cfg.algorithm.center == "none" and cfg.algorithm.keep == "all"
    if settings.group_size < 2 and not alone:
        raise ValueError(
            f"{name}.group_size must be at least 2, got {settings.group_size}: a rollout is judged against others of its group"
        )
    if cfg.algorithm.advantage == "pass_at_k" and cfg.algorithm.pass_k > settings.group_size:
        raise ValueError(f"algorithm.pass_k={cfg.algorithm.pass_k} is more than {name}.group_size={settings.group_size}")


def _leaves_examples(stage: str, cfg: Config) -> bool:
    """Whether a stage writes data.jsonl."""
    own, kind = settings_for(cfg, stage), kind_of(stage)
    if kind == "distill":
        return own.distill.method == "traces" or own.distill.on_policy_share < 1
    return kind == "reject" or (kind in ("cold_start", "sft") and getattr(own, kind).data in FROM_MODELS)
