"""Builds the parts that stages use from a configuration."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from r1lite.config import Config, TrainingConfig
from r1lite.data.curriculum import Curriculum
from r1lite.data.decontaminate import HeldOut, decontaminated, ngrams_of_set, questions_of, questions_of_test_split
from r1lite.data.feed import Feed
from r1lite.episodes.contract import episodes
from r1lite.episodes.host import Host
from r1lite.episodes.play import Spec
from r1lite.learning import sharding
from r1lite.learning.critic import Critic
from r1lite.learning.policy import Policy
from r1lite.models import adapters, pretrained
from r1lite.objective import Objective
from r1lite.prompt import Prompter
from r1lite.registry import load_plugins, unknown
from r1lite.sampling.episodes import EpisodeSampler
from r1lite.sampling.rollouts import Sampler
from r1lite.scoring.functions import Functions
from r1lite.scoring.mixture import chosen_rewards
from r1lite.scoring.rules import Rules
from r1lite.scoring.scorer import Scorer
from r1lite.settings.resume import sources
from r1lite.settings.stages import tests_itself
from r1lite.text.comparison import question
from r1lite.types import Engine, Problem, Task
from tasks import FileTask, tasks

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

MOST_TURNS = 8  # of the model in an episode, if episode.turns is not set
SAMPLERS = ("native", "vllm", "vllm_server")


# Decontaminating a large data set takes minutes, and all stages of a run train on the same problems. This cache has one entry,
# which is replaced when settings or files change.
_decontaminated: dict[str, Sequence[Problem]] = {}


def make_task(cfg: Config, **changes: Any) -> Task:
    """The task of the configuration. Its options are checked; `changes` override them."""
    load_plugins(cfg.plugins)
    options = {**cfg.task, **changes}
    name = options.pop("name", "")
    options.setdefault("seed", cfg.seed)
    return tasks[name](**tasks.bind(name, options))


def training_problems(cfg: Config, task: Task | None = None) -> Sequence[Problem]:
    """The training split, without problems that share n-grams with `data.decontaminate_against`."""
    problems = (task or make_task(cfg)).problems("train")
    if not cfg.data.decontaminate_against:
        return problems
    against, n = cfg.data.decontaminate_against, cfg.data.ngram
    key = json.dumps([cfg.task, against, n, cfg.seed, cfg.plugins, cfg.evaluate.splits, sources(cfg)], default=str)
    if key not in _decontaminated:
        sets = {name: ngrams_of_set(evaluation_questions(name, cfg), n) for name in against}
        _decontaminated.clear()
        _decontaminated[key] = decontaminated(problems, sets, n)
    return _decontaminated[key]


def evaluation_questions(name: str, cfg: Config) -> Iterator[str]:
    """The questions of a file, of the test split of a folder or hub data set, or of a task (the run's own, or another with defaults)."""
    path = Path(name).expanduser()
    if path.is_file():
        return questions_of(path)
    if path.is_dir() or name.count("/") == 1:
        return questions_of_test_split(name)
    if name == cfg.task.get("name"):
        own = make_task(cfg)
        return (question(problem) for split in cfg.evaluate.splits for problem in own.problems(split))
    return map(question, tasks[name](**tasks.bind(name, {"seed": cfg.seed})).problems("test"))


def held_out(cfg: Config) -> HeldOut | None:
    """The questions that a run is evaluated on, which a user's own examples must not contain. None if problems are generated."""
    task = make_task(cfg)
    if not tests_itself(cfg) or not isinstance(task, FileTask):
        return None
    splits = cfg.evaluate.splits
    return HeldOut(questions=frozenset(question(problem) for split in splits for problem in task.problems(split)), splits=splits)


def make_rules(cfg: Config) -> Rules:
    """The rules of the configuration. A reward model that this run trains is left out until it exists."""
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
                "rewards.model.path=reward_model means the model of stage reward_model, which is not in stages: "
                "add it before the stages that use it, or set rewards.model.path to a folder"
            )
    return Rules.from_config(chosen, cfg.plugins, right_rule=cfg.scoring.right_rule, right_at=cfg.scoring.right_at)


def make_scorer(cfg: Config) -> Scorer:
    return Scorer(make_rules(cfg), cfg.scoring)


def make_feed(
    prompter: Prompter, cfg: Config, *, seed: str, task: Task | None = None, position: int = 0, curriculum: Curriculum | None = None
) -> Feed:
    """The training problems in the order of this seed."""
    problems = training_problems(cfg, task)
    return Feed(problems, seed=seed, prompter=prompter, limits=cfg.prompt, position=position, curriculum=curriculum)


def make_objective(cfg: Config) -> Objective:
    return Objective.of(cfg.algorithm)


def make_prompter(tokenizer: PreTrainedTokenizerBase, cfg: Config) -> Prompter:
    return Prompter(tokenizer=tokenizer, system=cfg.prompt.system, prefill=cfg.prompt.prefill).checked()


def make_sampler(model: PreTrainedModel, prompter: Prompter, cfg: Config) -> Sampler:
    if cfg.sampler.name not in SAMPLERS:
        raise ValueError(unknown("sampler", cfg.sampler.name, SAMPLERS))
    model = sharding.whole(model) if sharding.is_sharded(model) else model
    engine = _engine(model, prompter.tokenizer, cfg)
    if not cfg.episode:
        return Sampler(engine, prompter, cfg.sampler)
    return EpisodeSampler(engine, prompter, cfg.sampler, make_host(cfg), most_turns=most_turns(cfg))


def make_host(cfg: Config) -> Host:
    """The workers in which the environments of this configuration run."""
    spec, functions = make_episode(cfg)
    return Host(spec, cfg.scoring, functions)


def most_turns(cfg: Config) -> int:
    """The most turns of the model in an episode (`episode.turns`)."""
    turns = cfg.episode.get("turns", MOST_TURNS)
    if type(turns) is not int or turns < 1:
        raise ValueError(f"episode.turns must be a whole number of at least 1, got {turns!r}")
    return turns


def make_episode(cfg: Config) -> tuple[Spec, Functions]:
    """The environment of the configuration, with its options checked, and the rules that workers have to be sent."""
    load_plugins(cfg.plugins)
    options = {key: value for key, value in cfg.episode.items() if key not in ("name", "turns")}
    name = cfg.episode.get("name", "")
    bound = episodes.bind(name, options)
    supplied, functions = {}, {}
    if "rules" in inspect.signature(episodes[name]).parameters:
        rules = make_rules(cfg)
        supplied, functions = {"rules": replace(rules, functions={})}, rules.functions
    return Spec(name=name, options=bound, plugins=tuple(cfg.plugins), supplied=supplied), functions


def _engine(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, cfg: Config) -> Engine:
    if cfg.sampler.name == "vllm":
        from r1lite.sampling.vllm.local import VllmEngine

        return VllmEngine(model, tokenizer, cfg.sampler, longest=cfg.prompt.max_tokens + cfg.sampler.max_tokens)
    if cfg.sampler.name == "vllm_server":
        from r1lite.sampling.vllm.server import VllmServerEngine

        return VllmServerEngine(model, tokenizer, cfg.sampler)
    from r1lite.sampling.native.engine import NativeEngine

    return NativeEngine(model, tokenizer, cfg.sampler)


def make_policy(start: Path | str, cfg: Config, training: TrainingConfig, *, steps: int) -> Policy:
    """The policy of supervised training, which learns the distribution at temperature 1."""
    model, tokenizer = pretrained.load(str(start), cfg.model)
    model = adapters.prepare(model, cfg.model, seed=cfg.seed)
    return Policy(model, tokenizer, training, total_steps=steps)


def make_learner(start: Path | str, cfg: Config) -> Policy:
    """The policy of reinforcement learning, with the reference and the critic that its algorithm needs."""
    a = cfg.algorithm
    model, tokenizer = pretrained.load(str(start), cfg.model)
    model = adapters.prepare(model, cfg.model, seed=cfg.seed)
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
