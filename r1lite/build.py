"""From a config to the parts that stages work with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from r1lite.config import Config, TrainingConfig
from r1lite.learning.critic import Critic
from r1lite.learning.policy import Policy
from r1lite.models import adapters, pretrained
from r1lite.objective import Objective
from r1lite.prompt import Prompter
from r1lite.registry import load_plugins, unknown
from r1lite.scoring.mixture import chosen_rewards
from r1lite.scoring.rules import Rules
from r1lite.types import Sampler, Task

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

SAMPLERS = ("native", "vllm", "vllm_server")


def make_task(cfg: Config, **changes: Any) -> Task:
    """The chosen task, with its options checked."""
    from tasks import tasks

    load_plugins(cfg.plugins)
    options = {**cfg.task, **changes}
    name = options.pop("name", "")
    options.setdefault("seed", cfg.seed)
    return tasks[name](**tasks.bind(name, options))


def make_rules(cfg: Config) -> Rules:
    """The chosen rules. A reward model that a stage of this run makes is left out until it is there."""
    chosen = chosen_rewards(cfg)
    settings = chosen.get("model")
    if isinstance(settings, Mapping) and settings.get("path") == "reward_model":
        folder = Path(cfg.run_dir).expanduser() / "reward_model" / "final"
        if folder.is_dir():
            chosen["model"] = {**settings, "path": str(folder.resolve())}
        elif "reward_model" in cfg.stages:
            del chosen["model"]
        else:
            raise ValueError(
                "rewards.model.path=reward_model is what the stage reward_model makes: "
                "name it in stages, before those that use it, or give the folder of another"
            )
    return Rules.from_config(chosen, cfg.plugins, right_rule=cfg.scoring.right_rule, right_at=cfg.scoring.right_at)


def make_objective(cfg: Config) -> Objective:
    return Objective(**{f.name: getattr(cfg.algorithm, f.name) for f in fields(Objective)})


def make_prompter(tokenizer: PreTrainedTokenizerBase, cfg: Config) -> Prompter:
    return Prompter(tokenizer=tokenizer, system=cfg.prompt.system, prefill=cfg.prompt.prefill).tried()


def make_sampler(model: PreTrainedModel, prompter: Prompter, cfg: Config) -> Sampler:
    if cfg.sampler.name not in SAMPLERS:
        raise ValueError(unknown("sampler", cfg.sampler.name, SAMPLERS))
    if cfg.sampler.name == "vllm":
        from r1lite.sampling.vllm.local import VllmSampler

        return VllmSampler(model, prompter, cfg.sampler, longest=cfg.prompt.max_tokens + cfg.sampler.max_tokens)
    if cfg.sampler.name == "vllm_server":
        from r1lite.sampling.vllm.server import VllmServerSampler

        return VllmServerSampler(model, prompter, cfg.sampler)
    from r1lite.sampling.native.sampler import NativeSampler

    return NativeSampler(model, prompter, cfg.sampler)


def make_policy(start: Path | str, cfg: Config, training: TrainingConfig, *, steps: int) -> Policy:
    """The policy of supervised training, which learns the distribution as it is, at temperature 1."""
    model, tokenizer = pretrained.load(str(start), cfg.model)
    model = adapters.prepared(model, cfg.model, seed=cfg.seed)
    return Policy(model, tokenizer, training, total_steps=steps)


def make_learner(start: Path | str, cfg: Config) -> Policy:
    """The policy of reinforcement learning, with the reference and the critic that its algorithm needs."""
    a = cfg.algorithm
    model, tokenizer = pretrained.load(str(start), cfg.model)
    model = adapters.prepared(model, cfg.model, seed=cfg.seed)
    steps = cfg.rl.steps * cfg.rl.updates_per_step * cfg.rl.epochs
    policy = Policy(
        model,
        tokenizer,
        cfg.rl,
        total_steps=steps,
        temperature=cfg.sampler.temperature,
        entropy_share=a.entropy_share,
        share_prompts=cfg.rl.share_prompts,
    )
    if a.kl != "none" or a.reward_kl_coef:
        policy.refresh_reference()
    if a.critic != "none":
        policy.critic = Critic(model, a, cfg.rl, total_steps=steps)
    return policy
