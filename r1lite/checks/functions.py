"""Checks that this process defines the functions that a run was started with as rules."""

from __future__ import annotations

from pathlib import Path

from r1lite.config import Config
from r1lite.settings.stages import stage_of
from rewards import rewards


def check_functions(cfg: Config) -> None:
    """Raise ValueError if this process lacks a function that the run was started with. An evaluation needs only the chosen rules."""
    folder = Path(cfg.run_dir).expanduser()
    if not (folder / "config.yaml").is_file():
        return
    missing = [file for file in sorted(folder.glob("rewards/*.py")) if file.stem not in rewards.names()]
    if all(stage_of(name).tests for name in cfg.stages):
        missing = [file for file in missing if file.stem in cfg.rewards]
    if missing:
        names = ", ".join(file.stem for file in missing)
        raise ValueError(
            f"{folder} was started from Python, with functions as rules that are not defined here: {names} (their source is in "
            f"{folder / 'rewards'}). Resume it with the same call of r1lite.train, and evaluate it with "
            f"r1lite.evaluate(..., rewards=...) or with other rules, such as reward=dataset"
        )
