"""Distillation: a smaller model learns from a larger one's correct and readable responses, or from its token distributions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from r1lite.build import make_feed, make_prompter, make_sampler, make_task
from r1lite.checks.distill import check_distill
from r1lite.config import Config, DistillConfig
from r1lite.console import say
from r1lite.data.examples import FILE, from_file
from r1lite.learning.loop import run_steps
from r1lite.learning.policy import Policy
from r1lite.learning.sharding import distribute, full_weights
from r1lite.models import adapters, pretrained
from r1lite.models.vocabulary import check_same_opening, check_same_vocabulary, common_width, end_token_warning
from r1lite.parallel import exchange
from r1lite.prompt import Prompter
from r1lite.stages import EXAMPLES, ROLLOUTS, Place, stage
from r1lite.teaching.imitation import epochs, imitate
from r1lite.teaching.on_policy import Lesson, Teacher, distill_step, written_by_student, written_by_teacher
from r1lite.teaching.sampled import traces_from_model
from r1lite.teaching.teacher import traces_from_teacher

CARD = ("prompts", "samples", "keep_per_prompt", "steps", "batch_size", "method", "loss", "beta", "lr")


def left_by(settings: DistillConfig) -> tuple[str, ...]:
    return (EXAMPLES, ROLLOUTS) if settings.method == "traces" or settings.on_policy_share < 1 else ()


def origin(cfg: Config, before: str) -> str:
    taught_by = f"`{cfg.teacher.model}`" if cfg.distill.teacher == "endpoint" else before
    return f"`{cfg.distill.student}`, taught by {taught_by}"


@stage(
    "distill",
    config=DistillConfig,
    check=check_distill,
    reads=lambda settings: [settings.student],
    leaves=left_by,
    uses=("task", "rewards"),
    origin=origin,
    card=CARD,
)
def run(cfg: Config, start: Path, place: Place) -> Path:
    """Train and save the student. `start` is the teacher, unless the teacher is an endpoint."""
    settings, seed = cfg.distill, f"{cfg.seed}/{place.name}"
    student, tokenizer = pretrained.load(settings.student, cfg.model)
    prompter = make_prompter(tokenizer, cfg)
    traces, teacher = place.out / FILE, None
    wanted = (settings.method == "traces" or _written(cfg)[1] > 0) and not traces.is_file()
    if settings.teacher == "local" and (wanted or settings.method == "on_policy"):
        teacher = _local_teacher(start, student, cfg)
    if wanted and teacher is None:
        exchange.on_leader(lambda: traces_from_teacher(prompter, cfg, settings, place), patient=True)
    elif wanted and teacher is not None:
        traces_from_model(teacher[0], make_prompter(teacher[1], cfg), cfg, settings, place)
    if settings.method == "traces":
        teacher = None  # free its memory for the student
    policy = Policy(adapters.prepare(student, cfg.model, seed=cfg.seed), tokenizer, settings, total_steps=settings.steps)
    if teacher is None:
        imitate(policy, epochs(from_file(traces, prompter), settings.batch_size, seed), settings, place, steps=settings.steps)
    else:
        _on_policy(policy, _as_teacher(*teacher, prompter, student, cfg), prompter, cfg, place)
    return place.final


def _on_policy(policy: Policy, teacher: Teacher, prompter: Prompter, cfg: Config, place: Place) -> None:
    settings, seed = cfg.distill, f"{cfg.seed}/{place.name}"
    by_student, by_teacher = _written(cfg)
    feed = make_feed(prompter, cfg, seed=seed)
    problems = epochs(feed.take(settings.prompts), by_student, f"{seed}/asked") if by_student else None
    traces = epochs(written_by_teacher(place.out / FILE, prompter, teacher), by_teacher, seed) if by_teacher else None
    sampler = make_sampler(policy.model, prompter, cfg)

    def step(number: int) -> dict[str, float]:
        lessons: list[Lesson] = [] if traces is None else list(traces(number))
        written: list[Lesson] = []
        if problems is not None:
            sampler.load(full_weights(policy.weights()))
            written = written_by_student(sampler, problems(number), teacher, seed=f"{seed}/{number}")
        lengths = [lesson.student.trained for lesson in written]
        lengths_written = {"response/length_mean": sum(lengths) / len(lengths), "tokens/completion": sum(lengths)} if lengths else {}
        return distill_step(policy, lessons + written, teacher, settings) | lengths_written

    run_steps(policy, step, settings, place, steps=settings.steps, shown=("loss", "agreement"))


def _written(cfg: Config) -> tuple[int, int]:
    """How many sequences of a step the student writes, and how many the teacher wrote."""
    by_student = round(cfg.distill.on_policy_share * cfg.distill.batch_size)
    return by_student, cfg.distill.batch_size - by_student


def _local_teacher(start: Path, student: Any, cfg: Config) -> tuple[Any, Any]:
    model, tokenizer = pretrained.load(str(start), cfg.model)
    share = pretrained.parameter_count(student) / pretrained.parameter_count(model)
    if share > cfg.distill.max_share:
        raise ValueError(f"the student has {share:.2f} of the teacher's parameters, more than distill.max_share={cfg.distill.max_share}")
    return model.requires_grad_(False), tokenizer


def _as_teacher(model: Any, tokenizer: Any, prompter: Prompter, student: Any, cfg: Config) -> Teacher:
    """The teacher, after a check that its tokens and its prompt match the student's."""
    teacher_prompter = make_prompter(tokenizer, cfg)
    needed = check_same_vocabulary(tokenizer, prompter.tokenizer)
    check_same_opening(teacher_prompter, prompter, make_task(cfg).problems("train")[0])
    rows = [m.get_output_embeddings().weight.shape[0] for m in (model, student)]
    width, notice = common_width(rows[0], rows[1], needed)
    for line in (notice, end_token_warning(tokenizer, prompter.tokenizer)):
        if line:
            say(f"distill: {line}")
    return Teacher(model=distribute(model), prompter=teacher_prompter, width=width)
