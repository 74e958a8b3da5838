"""Checks settings of examples, and of the teacher that writes them."""

from __future__ import annotations

from pathlib import Path

from r1lite.checks.bounds import at_least
from r1lite.config import Config, ImitationConfig, QualityConfig, TeacherConfig
from r1lite.data.examples import FROM_MODELS
from r1lite.data.quality import CODE_BLOCKS
from r1lite.endpoint.completion import api_key, check_address
from r1lite.registry import unknown
from r1lite.settings.stages import EXAMPLES, earlier_than, leaves, own_settings
from r1lite.teaching.best_checkpoint import GATES


def check_examples(name: str, cfg: Config) -> None:
    """Check a supervised stage: the source of its examples, and the selection of its weights."""
    settings: ImitationConfig = own_settings(cfg, name)
    at_least(name, settings, steps=1, batch_size=1)
    earlier = earlier_than(name, cfg)
    if settings.data not in ("task", *FROM_MODELS, *earlier) and not Path(settings.data).is_file():
        raise ValueError(f"{name}.data={settings.data} is none of task, teacher, own, an earlier stage of {cfg.stages}, or a file")
    if settings.data in earlier and not leaves(cfg, settings.data, EXAMPLES):
        raise ValueError(f"{name}.data={settings.data}: that stage leaves no examples. Stages that sample responses do, such as reject")
    if settings.data == "task" and settings.examples < 1:
        raise ValueError(f"{name}.examples must be at least 1, got {settings.examples}")
    if settings.data in FROM_MODELS:
        at_least(f"{name}.ask", settings.ask, prompts=1, samples=1, keep_per_prompt=1)
        check_quality(cfg.quality)
    if settings.data == "teacher":
        check_teacher(cfg.teacher)
    if settings.gate not in GATES:
        raise ValueError(unknown(f"{name}.gate", settings.gate, GATES))
    at_least(name, settings, gate_every=1, gate_prompts=1)
    if settings.gate == "signal" and cfg.rl.group_size < 2:
        raise ValueError(f"{name}.gate=signal compares the rollouts of a prompt: rl.group_size must be at least 2, got {cfg.rl.group_size}")


def check_quality(quality: QualityConfig) -> None:
    at_least("quality", quality, max_tokens=0, max_paragraph=0)
    if not 0 <= quality.min_language_share <= 1:
        raise ValueError(f"quality.min_language_share must be between 0 and 1, got {quality.min_language_share}")
    if quality.code_blocks not in CODE_BLOCKS:
        raise ValueError(unknown("quality.code_blocks", quality.code_blocks, CODE_BLOCKS))


def check_teacher(teacher: TeacherConfig) -> None:
    check_address("teacher", teacher.url)
    if not teacher.model:
        raise ValueError("teacher.model is empty: set it to one of the endpoint's models")
    at_least("teacher", teacher, concurrency=1, retries=0, max_tokens=0, requests_per_minute=0)
    at_least("teacher", teacher, temperature=0, backoff=0, price_in=0, price_out=0)
    if not teacher.timeout > 0:
        raise ValueError(f"teacher.timeout must be above 0, got {teacher.timeout}")
    api_key("teacher", teacher.api_key_env)
