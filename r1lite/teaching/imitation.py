"""Supervised training for every stage that learns from examples. The loss is on the completion only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import TypeVar, cast

from r1lite.build import held_out, make_feed, make_host, make_policy, make_prompter, make_sampler, make_scorer, make_task
from r1lite.config import Config, ImitationConfig, TrainingConfig
from r1lite.console import say
from r1lite.data.examples import FILE, FROM_MODELS, demonstrations, from_file
from r1lite.learning.loop import run_steps
from r1lite.learning.policy import Policy
from r1lite.objective import IMITATE
from r1lite.parallel import exchange
from r1lite.prompt import Prompter
from r1lite.settings.stages import EXAMPLES, ROLLOUTS
from r1lite.store.run import Place
from r1lite.teaching.best_checkpoint import BestCheckpoint
from r1lite.teaching.episodes import worked_episodes
from r1lite.teaching.sampled import traces_from_model
from r1lite.teaching.teacher import traces_from_teacher
from r1lite.types import Sample, TeachingTask

CARD = ("data", "examples", "steps", "batch_size", "lr", "gate")  # settings in the model card of a stage that learns from examples
T = TypeVar("T")
Batches = Callable[[int], Sequence[Sample]]  # step -> the samples of that step


def data_of(settings: ImitationConfig) -> list[str]:
    """What a stage that learns from examples reads."""
    return [settings.data]


def left_by(settings: ImitationConfig) -> tuple[str, ...]:
    """What such a stage leaves for others: the examples that a model wrote for it."""
    return (EXAMPLES, ROLLOUTS) if settings.data in FROM_MODELS else ()


def learn_examples(settings: ImitationConfig, cfg: Config, start: Path, place: Place) -> Path:
    """Train on the task's demonstrations, on correct responses of a model, on an earlier stage's data, or on a file."""
    policy = make_policy(start, cfg, settings, steps=settings.steps)
    batches = epochs(_examples(policy, settings, cfg, place), settings.batch_size, f"{cfg.seed}/{place.name}")
    if settings.gate == "signal":
        _imitate_and_keep_best(policy, batches, settings, cfg, place)
    else:
        imitate(policy, batches, settings, place, steps=settings.steps)
    return place.final


def _examples(policy: Policy, settings: ImitationConfig, cfg: Config, place: Place) -> list[Sample]:
    prompter = make_prompter(policy.tokenizer, cfg)
    if settings.data == "task":
        return task_examples(cfg, settings.examples, prompter, seed=f"{cfg.seed}/{place.name}")
    file = (place.out if settings.data in FROM_MODELS else place.run / settings.data) / FILE
    if settings.data in FROM_MODELS and not file.is_file():
        if settings.data == "teacher":
            exchange.on_leader(lambda: traces_from_teacher(prompter, cfg, settings.ask, place), patient=True)
        else:  # nothing is trained yet, so these are samples of the stage's initial weights
            traces_from_model(policy.model, prompter, cfg, settings.ask, place)
    examples = from_file(file, prompter) if file.is_file() else from_file(Path(settings.data), prompter, held_out=held_out(cfg))
    if 0 < settings.examples < len(examples):
        say(f"{place.name}: learns from {settings.examples} of {len(examples)} examples ({place.name}.examples)")
    return examples[: settings.examples or None]


def task_examples(cfg: Config, count: int, prompter: Prompter, *, seed: str) -> list[Sample]:
    """Demonstrations of training problems, if the task can write them."""
    task = make_task(cfg)
    if not hasattr(task, "demonstration"):
        raise ValueError(f"task {task.name!r} cannot write demonstrations: set cold_start.data to a file with prompt and completion")
    problems = make_feed(prompter, cfg, seed=seed, task=task).take(count)
    if cfg.episode:
        return worked_episodes(task, problems, make_host(cfg), prompter)
    return demonstrations(cast(TeachingTask, task), problems, prompter)


def _imitate_and_keep_best(policy: Policy, batches: Batches, settings: ImitationConfig, cfg: Config, place: Place) -> None:
    """The same training as `imitate`, but the weights with the best measurements are saved."""
    prompter, seed = make_prompter(policy.tokenizer, cfg), f"{cfg.seed}/{place.name}/gate"
    problems = make_feed(prompter, cfg, seed=seed).take(settings.gate_prompts)
    sampler = make_sampler(policy.model, prompter, cfg)
    with make_scorer(cfg) as scorer:
        checkpoint = BestCheckpoint(policy, sampler, scorer, problems, settings, place, group_size=cfg.rl.group_size, seed=seed)
        run_steps(
            policy,
            lambda step: policy.step(batches(step), IMITATE) | checkpoint.measure(step),
            settings,
            place,
            steps=settings.steps,
            shown=("loss", "entropy"),
        )
        checkpoint.save_best(place.final)


def imitate(policy: Policy, batches: Batches, settings: TrainingConfig, place: Place, *, steps: int) -> None:
    """Train for a number of steps, resuming from the stage's last checkpoint, and save the result."""
    run_steps(policy, lambda step: policy.step(batches(step), IMITATE), settings, place, steps=steps, shown=("loss", "entropy"))


def epochs(samples: Sequence[T], batch_size: int, seed: str) -> Callable[[int], list[T]]:
    """Batches that visit all samples once per epoch, reshuffled every epoch; a function of the step alone."""
    if not samples:
        raise ValueError("there are no examples to train on")

    @lru_cache(maxsize=2)  # a batch may span two epochs
    def order(epoch: int) -> list[int]:
        indices = list(range(len(samples)))
        Random(f"{seed}/{epoch}").shuffle(indices)
        return indices

    def batch(step: int) -> list[T]:
        taken: list[T] = []
        for position in range((step - 1) * batch_size, step * batch_size):
            epoch, index = divmod(position, len(samples))
            taken.append(samples[order(epoch)[index]])
        return taken

    return batch
