"""The rewards of a mixture: those of each part, restricted to the part's problems, overridden by the user's settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from r1lite.config import CONF, Config, group_values


def chosen_rewards(cfg: Config) -> dict[str, Any]:
    """The setting `rewards`; for task=mixture, on top of the rewards of its parts."""
    if cfg.task.get("name") != "mixture" or not isinstance(cfg.task.get("parts"), Mapping):
        return dict(cfg.rewards)
    merged: dict[str, Any] = {}
    whose: dict[str, list[str]] = {}
    for label, options in cfg.task["parts"].items():
        for rule, settings in _of_part(label, options or {}).items():
            settings = dict(settings or {})
            if merged.setdefault(rule, settings) != settings and rule not in cfg.rewards:
                raise ValueError(
                    f"the parts {whose[rule][0]} and {label} of the mixture bring rewards.{rule} with different settings "
                    f"({merged[rule]} and {settings}): set rewards.{rule} yourself"
                )
            whose.setdefault(rule, []).append(label)
    for rule, labels in whose.items():
        if len(labels) < len(cfg.task["parts"]):
            merged[rule] = {**merged[rule], "tasks": labels}
    return merged | {rule: {**merged.get(rule, {}), **(settings or {})} for rule, settings in cfg.rewards.items()}


def _of_part(label: str, options: Mapping[str, Any]) -> dict[str, Any]:
    if "rewards" in options:
        return dict(options["rewards"])
    name = options.get("name", label)
    if not (CONF / "reward" / f"{name}.yaml").is_file():
        raise ValueError(f"task {name!r} has no rewards of its own (conf/reward/{name}.yaml): set task.parts.{label}.rewards")
    return group_values("reward", name)
