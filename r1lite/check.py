"""Everything about a configuration that can be known to be wrong before any work is done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

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
from r1lite.data.curriculum import check_curriculum
from r1lite.data.decontaminate import check_data_settings
from r1lite.data.preferences import check_data
from r1lite.data.traces import ASKED
from r1lite.losses.preference import KINDS
from r1lite.models import pretrained
from r1lite.registry import unknown
from r1lite.rl.algorithm import check_algorithm, check_lag
from r1lite.rounds import kind_of, settings_for
from r1lite.sampling.nccl import check_nccl
from r1lite.sampling.vllm_engine import NOT_INSTALLED, is_installed
from r1lite.scoring.rehearsal import rehearse
from r1lite.setup import SAMPLERS, make_objective, make_rules, make_task
from r1lite.stages import stages
from r1lite.teaching.check_distill import check_distill, check_examples, check_quality
from r1lite.types import Problem, Task


def check(cfg: Config) -> list[str]:
    """Raise ValueError with the first thing that is wrong, where it is set and what to do; give what is only odd."""
    if not cfg.stages:
        raise ValueError("stages is empty: name at least one, such as stages=[rl]")
    for name in (*cfg.stages, *cfg.rounds):
        if kind_of(name) not in stages.names():
            raise ValueError(unknown("stage", name, stages.names()))
    if len(set(cfg.stages)) < len(cfg.stages):
        raise ValueError(f"stages names one twice: {cfg.stages}. A stage that comes again bears a number, such as rl_2.")
    if cfg.sampler.name not in SAMPLERS:
        raise ValueError(unknown("sampler", cfg.sampler.name, SAMPLERS))
    if cfg.stages[0] != "pretrain":
        pretrained.locate(cfg.model.path)
    pretrained.dtype_of(cfg.model.dtype)
    pretrained.device_of(cfg.model.device)
    _at_least("model", cfg.model, lora_rank=0)
    if cfg.model.dora and not cfg.model.lora_rank:
        raise ValueError("model.dora is a kind of adapter: it needs model.lora_rank above 0")
    task = make_task(cfg)
    problems = _problems(cfg, task)
    rules = make_rules(cfg)
    _learning(cfg)
    if cfg.algorithm.advantage == "gdpo" and rules.gates:
        gates = ", ".join(sorted(rules.gates))
        raise ValueError(f"algorithm.advantage=gdpo normalises each rule by itself, which no gate can hold back: rewards.{gates}.gate")
    _scoring(cfg)
    _evaluate(cfg)
    check_data_settings(cfg)
    _at_least("parity", cfg.parity, sequences=0)
    _above_zero("parity", cfg.parity, "threshold", "threshold_bfloat16")
    notices = [notice for name in cfg.stages for notice in _one_of(name, settings_for(cfg, name))]
    notices += [f"{name} is not among stages={cfg.stages}, so its settings change nothing" for name in cfg.rounds if name not in cfg.stages]
    return [*getattr(task, "notices", ()), *notices, *rehearse(cfg, rules, problems)]


def _one_of(name: str, cfg: Config) -> list[str]:
    """A stage, as its round has it; and what is odd about it."""
    kind, changes = kind_of(name), cfg.rounds.get(name) or {}
    if hasattr(cfg, kind):
        _stage(name, getattr(cfg, kind), cfg)
    if changes:
        _learning(cfg)
    if {"rewards", "task"} & set(changes):
        rehearse(cfg, make_rules(cfg), make_task(cfg).problems("train"))
    if kind == "reward_model" and (cfg.model.lora_rank or cfg.model.freeze):
        return [f"{name} trains all of its weights: model.lora_rank and model.freeze are for the policy"]
    return check_lag(cfg.rl.lag, cfg.algorithm) if kind == "rl" else []


def _learning(cfg: Config) -> None:
    check_algorithm(cfg.algorithm)
    make_objective(cfg)
    _sampler(cfg)


def _rl(name: str, settings: RLConfig, cfg: Config) -> None:
    _at_least(name, settings, steps=1, prompts_per_step=1, updates_per_step=1, epochs=1, group_size=1)
    check_curriculum(settings.curriculum)
    # Where nothing is compared within the group (PPO, REINFORCE++), one response a prompt will do.
    alone = cfg.algorithm.center == "none" and cfg.algorithm.keep == "all"
    if settings.group_size < 2 and not alone:
        raise ValueError(
            f"{name}.group_size must be at least 2, got {settings.group_size}: a rollout is judged against others of its group"
        )
    if cfg.algorithm.advantage == "pass_at_k" and cfg.algorithm.pass_k > settings.group_size:
        raise ValueError(f"algorithm.pass_k={cfg.algorithm.pass_k} is more than {name}.group_size={settings.group_size}")


def _stage(name: str, settings: object, cfg: Config) -> None:
    earlier = cfg.stages[: cfg.stages.index(name)]
    start = getattr(settings, "start", "previous")
    if start not in ("previous", "base", *earlier):
        if start in cfg.stages:
            raise ValueError(f"{name}.start={start}, but stage {start!r} comes later in stages={cfg.stages}")
        pretrained.locate(start)
    if isinstance(settings, TrainingConfig):
        _at_least(name, settings, micro_batch_tokens=1, checkpoint_every=1)
        _above_zero(name, settings, "lr", "max_grad_norm")
    if isinstance(settings, ImitationConfig):
        _at_least(name, settings, steps=1, batch_size=1)
        if settings.data not in ("task", *ASKED, *earlier) and not Path(settings.data).is_file():
            raise ValueError(
                f"{name}.data={settings.data} is neither task, nor an earlier stage of {cfg.stages}, nor a file, nor teacher or own"
            )
        if settings.data in earlier and not leaves_examples(settings.data, cfg):
            raise ValueError(f"{name}.data={settings.data}: that stage leaves no examples. reject does, and whatever samples its own data")
        if settings.data == "task" and settings.examples < 1:
            raise ValueError(f"{name}.examples must be at least 1, got {settings.examples}")
        check_examples(name, settings, cfg)
    if isinstance(settings, PreferenceConfig):
        _at_least(name, settings, steps=1, batch_size=1, pairs=0, pairs_per_prompt=1)
        check_data(name, settings, earlier)
    if isinstance(settings, RewardModelConfig):
        _not_negative(name, settings, "centring")
        if not 0 <= settings.held_out < 1:
            raise ValueError(f"reward_model.held_out must be at least 0 and below 1, got {settings.held_out}")
    if isinstance(settings, DPOConfig):
        _above_zero(name, settings, "beta")
        if settings.loss not in KINDS:
            raise ValueError(unknown("dpo.loss", settings.loss, KINDS))
        _not_negative(name, settings, "nll_coef")
        if not 0 <= settings.label_smoothing < 0.5:
            raise ValueError(f"dpo.label_smoothing must be at least 0 and below 0.5, got {settings.label_smoothing}")
    if isinstance(settings, RLConfig):
        _rl(name, settings, cfg)
    if isinstance(settings, PretrainConfig) and settings.vocabulary and settings.vocabulary < 256:
        raise ValueError(f"pretrain.vocabulary must be 0 or at least 256, as many as there are bytes, got {settings.vocabulary}")
    if isinstance(settings, RejectConfig | DistillConfig):
        _at_least(name, settings, prompts=1, samples=1, keep_per_prompt=1)
        check_quality(cfg.quality)
    if isinstance(settings, DistillConfig):
        pretrained.locate(settings.student)
        check_distill(cfg, settings)


def leaves_examples(stage: str, cfg: Config) -> bool:
    """Whether a stage writes data.jsonl."""
    own, kind = settings_for(cfg, stage), kind_of(stage)
    if kind == "distill":
        return own.distill.method == "traces" or own.distill.on_policy_share < 1
    return kind == "reject" or (kind in ("cold_start", "sft") and getattr(own, kind).data in ASKED)


def _sampler(cfg: Config) -> None:
    _at_least("sampler", cfg.sampler, max_tokens=1, max_rows=1, cache_mb=1, top_k=0)
    if cfg.sampler.dtype != "auto":
        pretrained.dtype_of(cfg.sampler.dtype, "sampler.dtype")
    _above_zero("sampler", cfg.sampler, "temperature", "top_p")
    if cfg.sampler.top_p > 1:
        raise ValueError(f"sampler.top_p must be at most 1, got {cfg.sampler.top_p}")
    _engine(cfg)
    _at_least("prompt", cfg.prompt, max_tokens=1)
    if cfg.prompt.too_long not in ("skip", "refuse"):
        raise ValueError(f"prompt.too_long must be skip or refuse, got {cfg.prompt.too_long!r}")


def _engine(cfg: Config) -> None:
    sampler = cfg.sampler
    if sampler.adapters not in ("auto", "merged"):
        raise ValueError(f"sampler.adapters must be auto or merged, got {sampler.adapters!r}")
    if sampler.transfer not in ("disk", "nccl"):
        raise ValueError(f"sampler.transfer must be disk or nccl, got {sampler.transfer!r}")
    if sampler.name == "vllm" and not is_installed():
        raise ValueError(NOT_INSTALLED)
    if sampler.name == "vllm_server":
        _above_zero("sampler", sampler, "seconds")
        if sampler.transfer == "nccl":
            check_nccl()
        if not sampler.urls:
            raise ValueError("sampler.urls is empty: say where the servers are, such as sampler.urls=[http://127.0.0.1:8001]")
        if len({url.rstrip("/") for url in sampler.urls}) < len(sampler.urls):
            raise ValueError(f"sampler.urls names one twice: {sampler.urls}")
    elif sampler.urls:
        raise ValueError(f"sampler.urls is for sampler=vllm_server; sampler={sampler.name} would never ask them")
    for url in sampler.urls:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"sampler.urls: {url!r} is no address; it begins with http:// or https://")


def _scoring(cfg: Config) -> None:
    _at_least("scoring", cfg.scoring, workers=0, memory_mb=1)
    _above_zero("scoring", cfg.scoring, "seconds")


def _evaluate(cfg: Config) -> None:
    if not cfg.evaluate.splits:
        raise ValueError("evaluate.splits is empty: name at least one, such as [test]")
    _at_least("evaluate", cfg.evaluate, problems=1, samples=1)
    if not 1 <= cfg.evaluate.k <= cfg.evaluate.samples:
        raise ValueError(f"evaluate.k must lie between 1 and evaluate.samples ({cfg.evaluate.samples}), got {cfg.evaluate.k}")


def _at_least(where: str, settings: object, **least: int) -> None:
    for field, smallest in least.items():
        if getattr(settings, field) < smallest:
            raise ValueError(f"{where}.{field} must be at least {smallest}, got {getattr(settings, field)}")


def _above_zero(where: str, settings: object, *names: str) -> None:
    for field in names:
        if not getattr(settings, field) > 0:
            raise ValueError(f"{where}.{field} must be above 0, got {getattr(settings, field)}")


def _not_negative(where: str, settings: object, *names: str) -> None:
    for field in names:
        if not getattr(settings, field) >= 0:
            raise ValueError(f"{where}.{field} must be at least 0, got {getattr(settings, field)}")


def _problems(cfg: Config, task: Task) -> Sequence[Problem]:
    """Look at the problems once, so that a missing file or a bad row is said before a model is loaded."""
    training = {"rl", "reject", "distill", "cold_start"} & set(map(kind_of, cfg.stages))
    evaluating = cfg.evaluate.every_stage or "evaluate" in cfg.stages
    splits = [*(["train"] if training else []), *(cfg.evaluate.splits if evaluating else [])]
    return next(iter([task.problems(split) for split in splits]), ())
