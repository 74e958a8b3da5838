"""Supervised training, shared by every stage that learns from examples: the loss is on the completion only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import TypeVar, cast

from r1lite.build import held_out, make_policy, make_prompter, make_rules, make_task, training_problems
from r1lite.config import Config, ImitationConfig, TrainingConfig
from r1lite.console import say
from r1lite.data.examples import FILE, FROM_MODELS, demonstrations, from_file
from r1lite.data.feed import Feed
from r1lite.learning.loop import run_steps
from r1lite.learning.policy import Policy
from r1lite.objective import IMITATE
from r1lite.prompt import Prompter
from r1lite.scoring.scorer import Scorer
from r1lite.store.run import Place
from r1lite.teaching.best_checkpoint import Gate
from r1lite.teaching.endpoint.teacher import ask_teacher
from r1lite.teaching.sampled import sample_traces
from r1lite.types import Sample, TeachingTask

T = TypeVar("T")
Batches = Callable[[int], Sequence[Sample]]  # step -> the samples of that step


def learn_examples(cfg: ImitationConfig, whole: Config, start: Path, place: Place) -> Path:
    """Supervised training on the task's demonstrations, a model's own right answers, an earlier stage's data, or a file."""
    policy = make_policy(start, whole, cfg, steps=cfg.steps)
    batches = epochs(_examples(policy, cfg, whole, place), cfg.batch_size, f"{whole.seed}/{place.name}")
    if cfg.gate == "signal":
        _through_gate(policy, batches, cfg, whole, place)
    else:
        imitate(policy, batches, cfg, place, steps=cfg.steps)
    return place.final


def _examples(policy: Policy, cfg: ImitationConfig, whole: Config, place: Place) -> list[Sample]:
    prompter = make_prompter(policy.tokenizer, whole)
    if cfg.data == "task":
        return task_examples(whole, cfg.examples, prompter, seed=f"{whole.seed}/{place.name}")
    made = (place.out if cfg.data in FROM_MODELS else place.run / cfg.data) / FILE
    if cfg.data in FROM_MODELS and not made.is_file():
        if cfg.data == "teacher":
            ask_teacher(prompter, whole, cfg.ask, place)
        else:  # nothing is trained yet, so these are samples of the weights that the stage begins from
            sample_traces(policy.model, policy.tokenizer, whole, cfg.ask, folder=place.out, name=place.name)
    found = from_file(made, prompter) if made.is_file() else from_file(Path(cfg.data), prompter, held_out=held_out(whole))
    if 0 < cfg.examples < len(found):
        say(f"{place.name}: learns from {cfg.examples} of {len(found)} examples ({place.name}.examples)")
    return found[: cfg.examples or None]


def task_examples(cfg: Config, count: int, prompter: Prompter, *, seed: str) -> list[Sample]:
    """Demonstrations of training problems, where the task can write some."""
    task = make_task(cfg)
    if not hasattr(task, "demonstration"):
        raise ValueError(f"task {task.name!r} cannot write demonstrations: set cold_start.data to a file with prompt and completion")
    problems = Feed(training_problems(cfg, task), seed=seed, prompter=prompter, limits=cfg.prompt).take(count)
    return demonstrations(cast(TeachingTask, task), problems, prompter)


def _through_gate(policy: Policy, batches: Batches, cfg: ImitationConfig, whole: Config, place: Place) -> None:
    """The same training, looked at in between."""
    with Scorer(make_rules(whole), whole.scoring) as scorer:
        gate = Gate(policy, cfg, whole, place, scorer)
        run_steps(
            policy,
            lambda step: policy.step(batches(step), IMITATE) | gate.look(step),
            cfg,
            place,
            steps=cfg.steps,
            shown=("loss", "entropy"),
        )
        gate.settle(place.final)


def imitate(policy: Policy, batches: Batches, cfg: TrainingConfig, place: Place, *, steps: int) -> None:
    """Train for a number of steps, going on from the stage's last checkpoint, and save the result."""
    run_steps(policy, lambda step: policy.step(batches(step), IMITATE), cfg, place, steps=steps, shown=("loss", "entropy"))


def epochs(samples: Sequence[T], batch_size: int, seed: str) -> Callable[[int], list[T]]:
    """Batches that go through all samples in a new order each epoch; a function of the step alone."""
    if not samples:
        raise ValueError("there are no examples to train on")

    @lru_cache(maxsize=2)  # a batch may span two epochs
    def order(epoch: int) -> list[int]:
        places = list(range(len(samples)))
        Random(f"{seed}/{epoch}").shuffle(places)
        return places

    def batch(step: int) -> list[T]:
        taken: list[T] = []
        for position in range((step - 1) * batch_size, step * batch_size):
            epoch, at = divmod(position, len(samples))
            taken.append(samples[order(epoch)[at]])
        return taken

    return batch
