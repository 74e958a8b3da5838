"""What can be known to be wrong with a distillation, or with a teacher, before any work is done."""

from __future__ import annotations

from urllib.parse import urlsplit

from r1lite.checks.bounds import at_least
from r1lite.config import Config, DistillConfig, ImitationConfig, QualityConfig, TeacherConfig
from r1lite.data.examples import FROM_MODELS
from r1lite.data.quality import CODE_BLOCKS
from r1lite.losses.distill import KINDS
from r1lite.models import pretrained
from r1lite.models.vocabulary import USE_TRACES, check_same_vocabulary
from r1lite.registry import unknown
from r1lite.teaching.best_checkpoint import GATES
from r1lite.teaching.endpoint.completion import api_key

TEACHERS, METHODS = ("local", "endpoint"), ("traces", "on_policy")


def check_distill(cfg: Config, settings: DistillConfig) -> None:
    for name, known in (("teacher", TEACHERS), ("method", METHODS), ("loss", KINDS)):
        if getattr(settings, name) not in known:
            raise ValueError(unknown(f"distill.{name}", getattr(settings, name), known))
    at_least("distill", settings, steps=1, batch_size=1, top_k=0)
    if not 0 <= settings.on_policy_share <= 1:
        raise ValueError(f"distill.on_policy_share must lie between 0 and 1, got {settings.on_policy_share}")
    if settings.loss == "jsd" and not 0 < settings.beta < 1:
        raise ValueError(
            f"distill.beta must lie between 0 and 1, got {settings.beta}: at its ends stand loss=forward_kl and loss=reverse_kl"
        )
    if settings.teacher == "endpoint":
        check_teacher(cfg.teacher)
    if settings.method == "on_policy":
        _can_be_followed(cfg, settings)


def check_examples(name: str, settings: ImitationConfig, cfg: Config) -> None:
    """Of a supervised stage: whom it asks for its examples, and which weights it lets through."""
    if settings.data in FROM_MODELS:
        at_least(f"{name}.ask", settings.ask, prompts=1, samples=1, keep_per_prompt=1)
        check_quality(cfg.quality)
    if settings.data == "teacher":
        check_teacher(cfg.teacher)
    if settings.gate not in GATES:
        raise ValueError(unknown(f"{name}.gate", settings.gate, GATES))
    at_least(name, settings, gate_every=1, gate_prompts=1)
    if settings.gate == "signal" and cfg.rl.group_size < 2:
        raise ValueError(f"{name}.gate=signal compares the rollouts of a prompt, and rl.group_size is {cfg.rl.group_size}")


def check_quality(quality: QualityConfig) -> None:
    at_least("quality", quality, max_tokens=0, max_paragraph=0)
    if not 0 <= quality.min_language_share <= 1:
        raise ValueError(f"quality.min_language_share must lie between 0 and 1, got {quality.min_language_share}")
    if quality.code_blocks not in CODE_BLOCKS:
        raise ValueError(unknown("quality.code_blocks", quality.code_blocks, CODE_BLOCKS))


def check_teacher(teacher: TeacherConfig) -> None:
    parts = urlsplit(teacher.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"teacher.url={teacher.url!r} should be the address of an endpoint, such as http://localhost:8000/v1")
    if parts.username or parts.password:
        raise ValueError(
            "teacher.url holds a key or a password, and it is written to files: name an environment variable in teacher.api_key_env"
        )
    if not teacher.model:
        raise ValueError("teacher.model is empty: say which of the endpoint's models is the teacher")
    at_least("teacher", teacher, concurrency=1, retries=0, max_tokens=0, requests_per_minute=0)
    at_least("teacher", teacher, temperature=0, backoff=0, price_in=0, price_out=0)
    if not teacher.timeout > 0:
        raise ValueError(f"teacher.timeout must be above 0, got {teacher.timeout}")
    api_key(teacher.api_key_env)


def _can_be_followed(cfg: Config, settings: DistillConfig) -> None:
    """Said before hours of training a teacher that the student cannot follow."""
    if settings.teacher == "endpoint":
        raise ValueError(
            f"distill.method=on_policy needs the teacher's distribution over the student's tokens, which no endpoint gives. {USE_TRACES}"
        )
    if cfg.stages[0] == "pretrain":
        return  # its tokenizer is still to be made
    start = cfg.model.path if settings.start in ("previous", "base", *cfg.stages) else settings.start
    check_same_vocabulary(pretrained.load_tokenizer(start), pretrained.load_tokenizer(settings.student))
