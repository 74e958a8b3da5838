"""Where a run came from: the settings that differ from the defaults, and each stage's inputs with their hashes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from r1lite.config import Config
from r1lite.page.folder import RunFolder
from r1lite.settings.resume import first_round, flat

PLACES = ("run_dir", "experiment")  # differ in every run, and change nothing


def settings_table(settings: dict[str, Any]) -> list[list[Any]]:
    """[name, value, default, whether they differ], those that differ first."""
    defaults = flat(asdict(Config()))
    rows = []
    for name, value in flat(settings).items():
        default = defaults.get(first_round(name))
        differs = name not in PLACES and _text(value) != _text(default) and not (value in ({}, []) and default is None)
        rows.append([name, _text(value), _text(default), differs])
    return sorted(rows, key=lambda row: not row[3])


def lineage(run: RunFolder) -> list[dict[str, Any]]:
    """Each stage that has begun, in the order of their beginning."""
    return [
        {
            "stage": stage,
            "start": str(record.get("start", "")),
            "inputs": str(record.get("inputs", "")),
            "weights": str(record.get("weights", "")),
            "seconds": record.get("seconds"),
            "done": done,
        }
        for stage, record, done in run.records()
    ]


def sources(run: RunFolder) -> list[list[str]]:
    """[file, hash] of the files that the run reads."""
    found = run.json("sources.json")
    return [[str(file), str(value)] for file, value in found.items()] if isinstance(found, dict) else []


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
