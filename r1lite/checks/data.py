"""Checks settings of data: decontamination, preference pairs, the curriculum."""

from __future__ import annotations

from pathlib import Path

from r1lite.checks.bounds import at_least
from r1lite.config import Config, CurriculumConfig, PreferenceConfig
from r1lite.registry import unknown
from r1lite.settings.stages import LEDGER, earlier_than, stage_of
from tasks import ENDINGS, tasks


def check_data_settings(cfg: Config) -> None:
    if cfg.data.ngram < 1:
        raise ValueError(f"data.ngram must be at least 1, got {cfg.data.ngram}")
    for name in cfg.data.files:
        if not Path(name).expanduser().exists():
            raise ValueError(f"data.files: {name} does not exist")
    for name in cfg.data.decontaminate_against:
        path = Path(name).expanduser()
        if path.suffix in ENDINGS and not path.is_file():
            raise ValueError(f"data.decontaminate_against: {name} does not exist")
        if not path.exists() and name.count("/") != 1 and name not in tasks.names():
            raise ValueError(unknown("file, hub name (owner/name) or task in data.decontaminate_against:", name, tasks.names()))


def check_pairs(name: str, cfg: PreferenceConfig, whole: Config) -> None:
    """Check the settings of preference pairs."""
    at_least(name, cfg, steps=1, batch_size=1, pairs=0, pairs_per_prompt=1)
    earlier = earlier_than(name, whole)
    if cfg.data == LEDGER and not earlier:
        raise ValueError(f"{name}.data=ledger takes the rollouts of an earlier stage, but {name} has none: set stages=[rl,{name}], say")
    if cfg.data in earlier and stage_of(cfg.data).tests:
        raise ValueError(f"{name}.data={cfg.data}: held-out problems must not be trained on")
    if cfg.data not in (LEDGER, *earlier) and not Path(cfg.data).is_file():
        raise ValueError(f"{name}.data={cfg.data} is neither ledger nor an earlier stage ({list(earlier)}) nor a file")


def check_curriculum(cfg: CurriculumConfig) -> None:
    if not 0 <= cfg.revisit <= 1:
        raise ValueError(f"rl.curriculum.revisit must be between 0 and 1, got {cfg.revisit}")
    if not 0 <= cfg.until <= 1:
        raise ValueError(f"rl.curriculum.until must be between 0 and 1, got {cfg.until}")
    if cfg.column and not cfg.easiest < cfg.hardest:
        raise ValueError(f"rl.curriculum.easiest={cfg.easiest:g} must be below rl.curriculum.hardest={cfg.hardest:g}: the limit rises")
