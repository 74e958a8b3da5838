"""Suggestions for a mistyped name: the nearest setting, or the one that has this name in another trainer."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from r1lite.config import CONF
from r1lite.registry import Registry
from r1lite.settings.other_trainers import SETTING_OF


def did_you_mean(key: str, known: Iterable[str]) -> str:
    """The settings nearest to the typed name: by the whole name, or by its last part (`lr` -> rl.lr, sft.lr)."""
    names = sorted(known)
    section, dot, last = key.rpartition(".")
    ours = SETTING_OF.get(last, last)
    if dot:
        last = ours.rpartition(".")[2]
        near = [name for name in (f"{section}.{last}", ours) if name in names][:1]
    else:
        near = [name for end in dict.fromkeys((ours, last)) for name in names if name == end or name.endswith(f".{end}")]
    near = near or difflib.get_close_matches(section + dot + last, names, n=1, cutoff=0.6)
    ends = difflib.get_close_matches(last, {name.rpartition(".")[2] for name in names}, n=1, cutoff=0.6)
    near = near or [name for name in names if name.rpartition(".")[2] in ends]
    return f" Did you mean {' or '.join(near[:6])}?" if near else " `python -m r1lite.train --help` lists them."


def choices(own: Path | None = None) -> dict[str, list[str]]:
    """Every group and its choices, including the user's own."""
    files = [path for folder in (CONF, own) if folder for path in folder.glob("*/*.yaml")]
    groups = {group: {f.stem for f in files if f.parent.name == group} for group in sorted({f.parent.name for f in files})}
    return {group: sorted(names | (bare_tasks() if group == "task" else set())) for group, names in groups.items()}


@cache
def bare_tasks() -> frozenset[str]:
    """Tasks in tasks/ or of installed packages that have no YAML: the user sets their options and rewards."""
    return frozenset(name for name in Registry("task", "tasks").names() if not (CONF / "task" / f"{name}.yaml").is_file())
