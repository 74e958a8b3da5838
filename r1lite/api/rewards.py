"""The argument `rewards` of Python calls: names of rules and functions, in a list, or in a dict with their weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from r1lite.api.inputs import Files
from r1lite.api.source import source_of
from r1lite.config import Config
from r1lite.scoring.functions import Functions

Rule = str | Callable[..., Any]
Options = float | Mapping[str, Any] | None  # a weight, or a dict with the weight and the rule's options
Rewards = Rule | Sequence[Rule] | Mapping[Any, Options]


def chosen(rewards: Rewards, settings: Mapping[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    """Rule -> its weight and options: those in `settings`, overridden by those of the call. Functions become rules."""
    if isinstance(rewards, str) or callable(rewards):
        rewards = [rewards]
    if not isinstance(rewards, Iterable):
        raise ValueError(f"rewards should be a list of rules, or a dict with their weights; got {rewards!r:.60}")
    pairs = rewards.items() if isinstance(rewards, Mapping) else [(rule, None) for rule in rewards]
    named = [(_name_of(rule), options) for rule, options in pairs]
    return {name: {**((settings or {}).get(name) or {}), **_as_options(name, options)} for name, options in named}


def _as_options(name: str, options: Any) -> dict[str, Any]:
    if options is None or isinstance(options, Mapping):
        return dict(options or {})
    return {"weight": options}


def _name_of(rule: Any) -> str:
    """The rule's name. A function becomes a rule under its own name, unless @reward has registered it already."""
    from rewards import reward, rewards

    if isinstance(rule, str):
        return rule
    if not callable(rule):
        raise ValueError(f"rewards should contain names of rules and functions; got {rule!r:.60}")
    function: Any = rule
    known = rewards.name_of(function)
    if known is not None:
        return known
    name = getattr(function, "__name__", "")
    if name in rewards.names():
        before = rewards[name]  # imports a shipped rule, so that a function of its name is refused
        if before.__module__ == function.__module__ and not rewards.importable(name):
            rewards.remove(name)  # its module was loaded again, or its notebook cell run again
    reward(function)
    return name


def refuse_unlisted(chosen: Mapping[str, Any], settings: Sequence[str]) -> None:
    """ValueError for settings of a rule that the call does not list: they would have no effect."""
    for setting in settings:
        section, _, rest = setting.lstrip("+~").partition("=")[0].partition(".")
        rule = rest.partition(".")[0]
        if section == "rewards" and rule not in chosen:
            raise ValueError(f"{setting} sets an option of a rule that rewards=... does not name; add {rule!r} to {', '.join(chosen)}")


def functions_of(cfg: Config) -> Functions:
    """The chosen rules that are functions of this process, and what they declare."""
    from rewards import rewards

    of_rounds = [changes.get("rewards") or {} for changes in cfg.rounds.values()]
    names = {name for chosen in (cfg.rewards, *of_rounds) for name in chosen}
    functions = sorted(name for name in names if name in rewards.names() and not rewards.importable(name))
    return {name: (rewards[name], rewards.declaration(name)) for name in functions}


def sources_of(cfg: Config) -> Files:
    """The source of each of them. Plugin files are not stored, only hashed (settings/resume.py)."""
    return {f"rewards/{name}.py": source_of(function) for name, (function, _) in functions_of(cfg).items()}
