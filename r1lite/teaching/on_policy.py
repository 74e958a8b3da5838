"""On-policy distillation: the student writes, and the teacher says of every token what it would have written there.

One step: sequences (the student's own, or a share of the teacher's traces), both models over the same tokens, and the mean
divergence of their distributions as the loss. Neither model's logits ever exist for more than a chunk of tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from r1lite.config import DistillConfig
from r1lite.data.examples import from_file
from r1lite.learning.accumulate import Measured, train_step
from r1lite.learning.batch import as_batch, collate
from r1lite.learning.forward import completion_states, in_chunks
from r1lite.learning.policy import Policy
from r1lite.losses.distill import token_divergence
from r1lite.prompt import Prompter
from r1lite.types import Batch, Problem, Sample, Sampler

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, kw_only=True, slots=True)
class Teacher:
    """Whom the student follows."""

    model: PreTrainedModel
    prompter: Prompter  # its own: it is asked through its own template
    width: int  # rows of both output heads that are compared


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    """One sequence, as each of the two sees it: the prompts may differ, the tokens of the completion do not."""

    student: Sample
    teacher: Sample


def written_by_student(sampler: Sampler, problems: Sequence[Problem], teacher: Teacher, *, seed: str) -> list[Lesson]:
    """One response to each problem."""
    lessons = []
    for group in sampler.sample(problems, n=1, seed=seed):
        for rollout in group.rollouts:
            # From the padding of its own vocabulary the student may draw what the teacher has no embedding of.
            known = tuple(min(token, teacher.width - 1) for token in rollout.token_ids)
            lessons.append(
                Lesson(
                    student=Sample(prompt_ids=rollout.prompt_ids, token_ids=rollout.token_ids, mask=rollout.mask),
                    teacher=Sample(prompt_ids=teacher.prompter.ids(group.problem), token_ids=known, mask=rollout.mask),
                )
            )
    return lessons


def written_by_teacher(path: Path, prompter: Prompter, teacher: Teacher) -> list[Lesson]:
    pairs = zip(from_file(path, prompter), from_file(path, teacher.prompter), strict=True)
    return [Lesson(student=mine, teacher=replace(theirs, token_ids=mine.token_ids)) for mine, theirs in pairs]


def follow(policy: Policy, lessons: Sequence[Lesson], teacher: Teacher, cfg: DistillConfig) -> dict[str, float]:
    """One optimiser step over all lessons, whatever the micro-batches."""

    def measure(batch: Batch) -> Measured:
        tokens = batch.totals.tokens
        theirs = as_batch([lessons[i].teacher for i in batch.rows], batch.rows, batch.totals, policy.model.device)
        apart, entropy, agreed = compare(policy.model, batch, teacher, theirs, cfg)
        return apart.sum() / tokens, {"entropy": entropy.sum() / tokens, "agreement": agreed.sum() / tokens}

    samples = [lesson.student for lesson in lessons]
    batches = collate(samples, micro_batch_tokens=cfg.micro_batch_tokens, device=policy.model.device)
    return train_step(batches, measure, policy.optimiser) | {"tokens/trained": float(batches[0].totals.tokens)}


def compare(student: PreTrainedModel, batch: Batch, teacher: Teacher, theirs: Batch, cfg: DistillConfig) -> tuple[Tensor, Tensor, Tensor]:
    """Of each token [M]: the divergence, the student's entropy, and whether both would have written the same."""
    states, head = completion_states(student, batch)
    with torch.no_grad():
        teacher_states, teacher_head = completion_states(teacher.model, theirs)

    def chunk(s: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mine = head(s)[:, : teacher.width]
        with torch.no_grad():
            wanted = teacher_head(t)[:, : teacher.width].to(mine.device)
            entropy = torch.distributions.Categorical(logits=mine.float(), validate_args=False).entropy()
            agreed = (mine.argmax(-1) == wanted.argmax(-1)).float()
        return token_divergence(mine, wanted, kind=cfg.loss, beta=cfg.beta, top_k=cfg.top_k), entropy, agreed

    apart, entropy, agreed = in_chunks(chunk, states, teacher_states, width=2 * teacher.width)
    return apart, entropy, agreed
