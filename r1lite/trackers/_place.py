"""Where trackers keep their files, and under which name a resumed run is found again."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

FOLDER = "trackers"  # in the run directory


def folder_of(run_dir: Path, tracker: str) -> Path:
    folder = run_dir / FOLDER / tracker
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def remembered(run_dir: Path, tracker: str, make: Callable[[], str] = lambda: secrets.token_hex(8)) -> str:
    """The run's name at the tracker: made when the run is opened for the first time, and the same whenever it is resumed."""
    file = folder_of(run_dir, tracker) / "id"
    if not file.is_file():
        file.write_text(make())
    return file.read_text().strip()


def is_new(run_dir: Path, tracker: str) -> bool:
    """Whether the run was never opened at the tracker."""
    return not (run_dir / FOLDER / tracker / "id").is_file()
