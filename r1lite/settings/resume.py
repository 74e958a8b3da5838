"""What may differ when a run is resumed, and why a run is refused: its settings, or the user's own files, have changed.

Changed inputs of a single stage, that is its initial weights or the data of earlier stages, are refused by
`Run._refuse_changed_inputs` in store/run.py.
"""

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

# Options of rules that affect how a verdict is obtained, not its value. Listed here, since this room does not know the rules.
FREE_OPTIONS = {
    f"rewards.judge.{option}" for option in ("url", "api_key_env", "concurrency", "retries", "timeout", "total_seconds", "cache")
}


def refuse_changed_settings(folder: Path, before: Mapping[str, Any], cfg: Config, now: Mapping[str, Any], begun: Set[str]) -> None:
    """Raise ValueError for settings that must not differ. `before` and `now` are flat; `begun` names the stages with results."""
    keys = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key) and not may_differ(key, cfg, begun)]
    if not keys:
        return
    changes = "\n".join(f"  {key}: was {before.get(key)!r}, is now {now.get(key)!r}" for key in keys)
    readers = [stages_of(key, cfg, begun) for key in keys]
    repeated = sorted(set().union(*readers)) if all(readers) else []
    or_repeat = f", or delete {' and '.join(str(folder / name) for name in repeated)} to repeat that part" if repeated else ""
    raise ValueError(
        f"{folder} was started with other settings:\n{changes}\n"
        f"Choose another run_dir=, or resume with the command that started it{or_repeat}."
    )


def refuse_changed_files(folder: Path, before: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Raise ValueError for the user's files whose hashes differ: the stages of a run must not rest on two versions of them."""
    # A file in only one of the two belongs to a setting that was free to change. If it is missing, whatever reads it says so.
    changed = [name for name in sorted({*before} & {*now}) if before[name] != now[name]]
    if changed:
        raise ValueError(f"{', '.join(changed)} changed since {folder} was started. Choose another run_dir=, or undo the change to resume.")


def is_free(key: str, cfg: Config) -> bool:
    """Whether a setting never changes the results: its field, or that of a section around it, is declared free."""
    if key in FREE_OPTIONS:
        return True
    section: Any = cfg
    for name in first_round(key).split("."):
        field = {f.name: f for f in fields(section)}.get(name) if is_dataclass(section) else None
        if field is None or field.metadata.get("free"):
            return field is not None
        section = getattr(section, name)
    return False


def may_differ(key: str, cfg: Config, begun: Set[str]) -> bool:
    """Whether a run in which these stages have begun can be resumed with another value."""
    return is_free(key, cfg) or (is_of_a_stage(key, cfg) and not stages_of(key, cfg, begun))


def is_of_a_stage(key: str, cfg: Config) -> bool:
    """Whether only one kind of stage reads this setting. Such a setting is free until a stage of that kind has begun."""
    section = key.partition(".")[0]
    return section == "rounds" or section in sections(cfg)


def stages_of(key: str, cfg: Config, begun: Set[str]) -> set[str]:
    """The stages that have begun and read this setting, if only one kind of stage reads it."""
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
    rules = [options for options in cfg.rewards.values() if options]
    judges = [str(options.get("function", "")).partition(":")[0] for options in rules] + [options.get("path") for options in rules]
    named = [*map(_file_of, cfg.plugins), cfg.task.get("path"), *parts, *data, *judges]
    paths = [Path(name).expanduser() for name in named if isinstance(name, str) and name]
    return {str(path): _hash(path).hex() for path in paths if path.exists()}


def _file_of(plugin: str) -> str:
    """The file of a plugin, which may be named as a module."""
    if plugin.endswith(".py") or "/" in plugin:
        return plugin
    try:
        spec = find_spec(plugin)
    except (ImportError, ValueError):  # loading the plugin raises the error that the user should see
        return ""
    return (spec.origin or "") if spec else ""


def _hash(path: Path) -> bytes:
    """The hash of a file; of a folder, that of the names and hashes of its files."""
    if not path.is_dir():
        return hash_of_file(path)
    files = [file.relative_to(path) for file in sorted(path.rglob("*")) if file.is_file()]
    own = [file for file in files if not any(part.startswith(".") or part == "__pycache__" for part in file.parts)]
    lines = "".join(f"{file} {hash_of_file(path / file).hex()}\n" for file in own)
    return hashlib.blake2b(lines.encode(), digest_size=16).digest()


def hash_of_file(path: Path) -> bytes:
    with path.open("rb") as file:  # in pieces: it may be larger than memory
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()


def flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    """{"a": {"b": 1}} -> {"a.b": 1}."""
    if not isinstance(tree, Mapping):
        return {prefix[:-1]: tree}
    return {key: value for name, branch in tree.items() for key, value in flat(branch, f"{prefix}{name}.").items()}


def first_round(key: str) -> str:
    """rounds.rl_2.show_every -> rl.show_every, and rounds.rl_2.algorithm.kl -> rl.algorithm.kl; other keys are unchanged."""
    section, _, rest = key.partition(".")
    name, _, setting = rest.partition(".")
    return f"{kind_of(name)}.{setting}" if section == "rounds" else key
