"""Trains a tiny base model that can reason, but rarely does.

Most training steps show worked examples, so that the model learns to reason reliably. The last steps show mostly blurted answers,
so that it usually blurts, and reasons rarely enough for reinforcement learning to have something to reinforce.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, cast

from r1lite.build import make_task
from r1lite.config import Config, PretrainConfig
from r1lite.data.examples import as_sample
from r1lite.learning.policy import Policy
from r1lite.models.pretrained import device_of
from r1lite.models.tiny import build_model, build_tokenizer
from r1lite.prompt import Prompter
from r1lite.stages import Place, stage
from r1lite.teaching.imitation import imitate
from r1lite.text.comparison import question
from r1lite.text.response import ANSWER, END_ANSWER, respond
from r1lite.types import Problem, Sample, TeachingTask

TOKENIZER_EXAMPLES = 2000


def check(name: str, cfg: Config) -> None:
    vocabulary = cfg.pretrain.vocabulary
    if vocabulary and vocabulary < 256:
        raise ValueError(f"{name}.vocabulary must be 0 or at least 256, the number of bytes, got {vocabulary}")


def origin(cfg: Config, before: str) -> str:
    return "random weights"


@stage("pretrain", config=PretrainConfig, check=check, from_scratch=True, origin=origin, card=("steps", "batch_size", "lr"))
def run(cfg: Config, start: Path, place: Place) -> Path:
    """`start` is ignored: the initial weights are random."""
    corpus = Corpus(cfg)
    tokenizer = build_tokenizer(corpus.texts(), vocabulary=cfg.pretrain.vocabulary)
    model: Any = build_model(cfg.pretrain, tokenizer, seed=cfg.seed)
    policy = Policy(model.to(device_of(cfg.model.device)), tokenizer, cfg.pretrain, total_steps=cfg.pretrain.steps)
    batches = partial(corpus.batch, Prompter(tokenizer=tokenizer))
    imitate(policy, batches, cfg.pretrain, place, steps=cfg.pretrain.steps + cfg.pretrain.habit_steps)
    return place.final


class Corpus:
    """Worked and blurted examples of every task and difficulty, from training splits only, so that no test problem is seen."""

    def __init__(self, cfg: Config) -> None:
        self.cfg, self.seed = cfg.pretrain, cfg.seed
        self.sources: list[tuple[float, TeachingTask, Sequence[Problem]]] = []
        for entry, share in cfg.pretrain.corpus.items():
            name, _, difficulty = entry.partition("/")
            task = cast(
                TeachingTask, make_task(replace(cfg, task={"name": name, "difficulty": difficulty, "seed": f"pretrain/{cfg.seed}"}))
            )
            self.sources.append((share, task, task.problems("train")))

    def texts(self) -> Iterator[str]:
        """Text to train a tokenizer on, without the tags, each of which is a token of its own."""
        random = Random(f"{self.seed}/pretrain/texts")
        for _ in range(TOKENIZER_EXAMPLES):
            task, problem = self._draw(random)
            demonstration = task.demonstration(problem)
            yield from (question(problem), demonstration.thought, demonstration.answer)

    def batch(self, prompter: Prompter, step: int) -> list[Sample]:
        random = Random(f"{self.seed}/pretrain/{step}")
        guesses = self.cfg.guesses if step <= self.cfg.steps else self.cfg.habit_guesses
        return [self._example(prompter, random, guesses) for _ in range(self.cfg.batch_size)]

    def _example(self, prompter: Prompter, random: Random, guesses: float) -> Sample:
        task, problem = self._draw(random)
        blurted = random.random() < guesses
        completion = f"{ANSWER}{task.guess(problem)}{END_ANSWER}" if blurted else respond(task.demonstration(problem))
        return as_sample(problem, completion, prompter)

    def _draw(self, random: Random) -> tuple[TeachingTask, Problem]:
        _, task, problems = random.choices(self.sources, weights=[share for share, _, _ in self.sources])[0]
        return task, problems[random.randrange(len(problems))]
