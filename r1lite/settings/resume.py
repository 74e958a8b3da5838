"""What may differ when a run goes on, and what must not: settings, and the user's own files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Set
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from r1lite.config import Config
from r1lite.settings.rounds import kind_of

# Settings that may differ when a run goes on: they change what is done next, not what was done.
FREE = (
    "run_dir",
    "stages",
    "scoring.workers",
    "scoring.seconds",
    "scoring.max_failed_share",
    "rl.show_every",
    "parity",
    "sampler.adapters",
    "sampler.urls",
    "sampler.transfer",
    "sampler.sync_folder",
    "sampler.seconds",
)
# What memory has room for: sums in another order, and otherwise the same.
FREE += ("sampler.max_rows", "sampler.cache_mb", "model.gradient_checkpointing")
FREE += tuple(f"{stage}.micro_batch_tokens" for stage in ("pretrain", "cold_start", "rl", "sft", "distill", "reward_model", "dpo"))
# How a teacher is reached; not which one, nor what it is asked.
FREE += tuple(
    f"teacher.{name}"
    for name in ("url", "api_key_env", "concurrency", "requests_per_minute", "retries", "backoff", "timeout", "price_in", "price_out")
)
# Sections that one kind of stage alone reads: until one of that kind has begun, they are free too.
OF_A_STAGE = ("pretrain", "cold_start", "rl", "reject", "sft", "distill", "reward_model", "dpo")


def is_free(key: str) -> bool:
    """Whether a setting says how a run works, and not what it is."""
    return any(f"{first_round(key)}.".startswith(f"{name}.") for name in FREE)


def may_differ(key: str, begun: Set[str]) -> bool:
    """In a run in which these stages have begun."""
    return is_free(key) or (is_of_a_stage(key) and not stages_of(key, begun))


def is_of_a_stage(key: str) -> bool:
    section = key.split(".")[0]
    return section in (*OF_A_STAGE, "rounds")


def stages_of(key: str, begun: Set[str]) -> set[str]:
    """Those of the stages that have begun which alone read this setting."""
    section, _, rest = key.partition(".")
    if section == "rounds":
        return {rest.partition(".")[0]} & begun
    return {name for name in begun if kind_of(name) == section} if section in OF_A_STAGE else set()


def sources(cfg: Config) -> dict[str, str]:
    """A hash of each local file or folder that a run reads: plugins and their data, problems, examples."""
    parts = [part["path"] for part in (cfg.task.get("parts") or {}).values() if part and "path" in part]
    data = [*cfg.data.files, *cfg.data.decontaminate_against, cfg.cold_start.data, cfg.sft.data, cfg.dpo.data, cfg.reward_model.data]
    data += [changes["data"] for changes in cfg.rounds.values() if "data" in changes]
    data += [(changes.get("task") or {}).get("path") for changes in cfg.rounds.values()]
    # A reward function in a file (trl), a reward model in a folder.
    chosen = [options for options in cfg.rewards.values() if options]
    judges = [str(options.get("function", "")).partition(":")[0] for options in chosen] + [options.get("path") for options in chosen]
    named = [*map(_file_of, cfg.plugins), cfg.distill.student, cfg.task.get("path"), *parts, *data, *judges]
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
