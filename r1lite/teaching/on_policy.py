"""On-policy distillation: the student writes, and learns the teacher's distribution over every token that it wrote.

A step runs both models over the same sequences (the student's own, or a share of the teacher's traces). The loss is the mean
divergence of their distributions. Logits exist for one chunk of tokens at a time.
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
from r1lite.learning.accumulate import LossAndMetrics, train_step
from r1lite.learning.batch import as_batch, collate, totals_of
from r1lite.learning.forward import completion_states, in_chunks
from r1lite.learning.policy import Policy
from r1lite.learning.sharding import through
from r1lite.losses.distill import token_divergence
from r1lite.parallel import exchange
from r1lite.prompt import Prompter
from r1lite.types import Batch, Problem, Sample, Sampler

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, kw_only=True, slots=True)
class Teacher:
    """The model that the student imitates."""

    model: PreTrainedModel
    prompter: Prompter  # with the teacher's own chat template
    width: int  # how many logits, from token 0 on, the two models have in common


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    """One sequence as a sample for each model. The prompts may differ, the completion is the same."""

    student: Sample
    teacher: Sample


def written_by_student(sampler: Sampler, problems: Sequence[Problem], teacher: Teacher, *, seed: str) -> list[Lesson]:
    """One response of the student to each problem."""
    lessons: list[tuple[int, Lesson]] = []
    for group in sampler.sample(problems, n=1, seed=seed):
        for rollout in group.rollouts:
            # The student's vocabulary may be padded with tokens for which the teacher has no embedding.
            known = tuple(min(token, teacher.width - 1) for token in rollout.token_ids)
            lesson = Lesson(
                student=Sample(prompt_ids=rollout.prompt_ids, token_ids=rollout.token_ids, mask=rollout.mask),
                teacher=Sample(prompt_ids=teacher.prompter.ids(group.problem), token_ids=known, mask=rollout.mask),
            )
            lessons.append((group.place, lesson))
    return [lesson for _, lesson in sorted(exchange.gather_flat(lessons), key=lambda one: one[0])]


def written_by_teacher(path: Path, prompter: Prompter, teacher: Teacher) -> list[Lesson]:
    """The teacher's traces in a file, in the student's tokens."""
    samples = zip(from_file(path, prompter), from_file(path, teacher.prompter), strict=True)
    return [Lesson(student=student, teacher=replace(taught, token_ids=student.token_ids)) for student, taught in samples]


def distill_step(policy: Policy, lessons: Sequence[Lesson], teacher: Teacher, cfg: DistillConfig) -> dict[str, float]:
    """One optimiser step over all lessons."""

    def measure(batch: Batch) -> LossAndMetrics:
        tokens = batch.totals.tokens
        teacher_batch = as_batch([lessons[i].teacher for i in batch.rows], batch.rows, batch.totals, policy.model.device)
        divergence, entropy, agreement = compare(policy.model, batch, teacher, teacher_batch, cfg)
        return divergence.sum() / tokens, {"entropy": entropy.sum() / tokens, "agreement": agreement.sum() / tokens}

    samples = [lesson.student for lesson in lessons]
    batches = collate(samples, micro_batch_tokens=cfg.micro_batch_tokens, device=policy.model.device)
    return train_step(batches, measure, policy.optimiser) | {"tokens/trained": float(totals_of(samples).tokens)}


def compare(
    student: PreTrainedModel, batch: Batch, teacher: Teacher, teacher_batch: Batch, cfg: DistillConfig
) -> tuple[Tensor, Tensor, Tensor]:
    """For each token [M]: the divergence, the student's entropy, and 1 if both models rank the same token first."""

    def with_both(student_model: PreTrainedModel, teacher_model: PreTrainedModel) -> tuple[Tensor, Tensor, Tensor]:
        return _compare(student_model, batch, replace(teacher, model=teacher_model), teacher_batch, cfg)

    return through(student, lambda s: through(teacher.model, lambda t: with_both(s, t)))


def _compare(
    student: PreTrainedModel, batch: Batch, teacher: Teacher, teacher_batch: Batch, cfg: DistillConfig
) -> tuple[Tensor, Tensor, Tensor]:
    states, head = completion_states(student, batch)
    with torch.no_grad():
        teacher_states, teacher_head = completion_states(teacher.model, teacher_batch)

    def chunk(s: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        logits = head(s)[:, : teacher.width]
        with torch.no_grad():
            teacher_logits = teacher_head(t)[:, : teacher.width].to(logits.device)
            entropy = torch.distributions.Categorical(logits=logits.float(), validate_args=False).entropy()
            agreement = (logits.argmax(-1) == teacher_logits.argmax(-1)).float()
        return token_divergence(logits, teacher_logits, kind=cfg.loss, beta=cfg.beta, top_k=cfg.top_k), entropy, agreement

    divergence, entropy, agreement = in_chunks(chunk, states, teacher_states, width=2 * teacher.width)
    return divergence, entropy, agreement
