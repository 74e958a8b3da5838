"""Distillation: a smaller model learns from the right and readable answers of a larger one."""

from __future__ import annotations

from pathlib import Path

from r1lite import adapters, models
from r1lite.config import Config
from r1lite.imitation import epochs, imitate
from r1lite.policy import Policy
from r1lite.run import Place
from r1lite.setup import make_prompter
from r1lite.stages import stage
from r1lite.traces import FILE, from_file, sample_traces


@stage("distill")
def run(cfg: Config, start: Path, place: Place) -> Path:
    """`start` is the teacher; the student's weights are what comes out."""
    teacher, tokenizer = models.load(str(start), cfg.model)
    student, student_tokenizer = models.load(cfg.distill.student, cfg.model)
    share = models.parameters(student) / models.parameters(teacher)
    if share > cfg.distill.max_share:
        raise ValueError(f"the student has {share:.2f} of the teacher's parameters, more than distill.max_share={cfg.distill.max_share}")
    if not (place.out / FILE).is_file():
        sample_traces(teacher, tokenizer, cfg, cfg.distill, folder=place.out, name=place.name)
    samples = from_file(place.out / FILE, make_prompter(student_tokenizer, cfg))
    student = adapters.prepared(student, cfg.model, seed=cfg.seed)
    policy = Policy(student, student_tokenizer, cfg.distill, total_steps=cfg.distill.steps)
    imitate(policy, epochs(samples, cfg.distill.batch_size, f"{cfg.seed}/distill"), cfg.distill, place, steps=cfg.distill.steps)
    return place.final
