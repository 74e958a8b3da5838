"""What may differ when a run goes on, and what must not: settings, and the user's own files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from r1lite.config import Config
from r1lite.settings.rounds import kind_of
from r1lite.settings.stages import read_by, sections


def is_free(key: str, cfg: Config) -> bool:
    """Whether a setting says how a run works, and not what it is: its field, or its section's, is declared so."""
    section: Any = cfg
    for name in first_round(key).split("."):
        found = {f.name: f for f in fields(section)}.get(name) if is_dataclass(section) else None
        if found is None or found.metadata.get("free"):
            return found is not None
        section = getattr(section, name)
    return False


def may_differ(key: str, cfg: Config, begun: Set[str]) -> bool:
    """In a run in which these stages have begun."""
    return is_free(key, cfg) or (is_of_a_stage(key, cfg) and not stages_of(key, cfg, begun))


def is_of_a_stage(key: str, cfg: Config) -> bool:
    """Whether one kind of stage alone reads this setting: until one of that kind has begun, it is free too."""
    section = key.partition(".")[0]
    return section == "rounds" or section in sections(cfg)


def stages_of(key: str, cfg: Config, begun: Set[str]) -> set[str]:
    """Those of the stages that have begun which alone read this setting."""
    section, _, rest = key.partition(".")
    if section == "rounds":
        return {rest.partition(".")[0]} & begun
    return {name for name in begun if kind_of(name) == section} if is_of_a_stage(key, cfg) else set()


def sources(cfg: Config) -> dict[str, str]:
    """A hash of each local file or folder that a run reads: plugins and their data, problems, examples."""
    parts = [part["path"] for part in (cfg.task.get("parts") or {}).values() if part and "path" in part]
    data = [*cfg.data.files, *cfg.data.decontaminate_against]
    data += [read for name in (*sections(cfg), *cfg.rounds) for read in read_by(cfg, name)]
    data += [(changes.get("task") or {}).get("path") for changes in cfg.rounds.values()]
    # A reward function in a file (trl), a reward model in a folder.
    chosen = [options for options in cfg.rewards.values() if options]
    judges = [str(options.get("function", "")).partition(":")[0] for options in chosen] + [options.get("path") for options in chosen]
    named = [*map(_file_of, cfg.plugins), cfg.task.get("path"), *parts, *data, *judges]
    paths = [Path(name).expanduser() for name in named if isinstance(name, str) and name]
    return {str(path): _digest(path) for path in paths if path.exists()}


def _file_of(plugin: str) -> str:
    """Where a plugin lies that is named as a module."""
    if plugin.endswith(".py") or "/" in plugin:
        return plugin
    try:
        found = find_spec(plugin)
    except (ImportError, ValueError):  # it says so itself, where it is loaded
        return ""
    return (found.origin or "") if found else ""


def _is_aside(name: str) -> bool:
    return name.startswith(".") or name == "__pycache__"


def _digest(path: Path) -> str:
    """A folder's is that of its files' names and hashes."""
    if path.is_dir():
        files = [file.relative_to(path) for file in sorted(path.rglob("*")) if file.is_file()]
        told = "".join(f"{file} {_digest(path / file)}\n" for file in files if not any(_is_aside(part) for part in file.parts))
        return hashlib.blake2b(told.encode(), digest_size=16).hexdigest()
    with path.open("rb") as opened:  # piece by piece: a file of problems may be larger than memory
        return hashlib.file_digest(opened, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    """{"a": {"b": 1}} -> {"a.b": 1}."""
    if not isinstance(tree, Mapping):
        return {prefix[:-1]: tree}
    return {key: value for name, branch in tree.items() for key, value in flat(branch, f"{prefix}{name}.").items()}


def first_round(key: str) -> str:
    """rounds.rl_2.show_every -> rl.show_every, and rounds.rl_2.algorithm.kl -> rl.algorithm.kl; any other key as it is."""
    section, _, rest = key.partition(".")
    name, _, setting = rest.partition(".")
    return f"{kind_of(name)}.{setting}" if section == "rounds" else key
