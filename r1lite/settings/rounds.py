"""A stage that comes again. `rl_2` runs stage `rl`, in a folder of its own, with rl's settings and what differs from them.

What differs is written under the round's own name (`rl_2.steps=20`), and stands in the configuration under `rounds`. A round
may also differ in whole sections, since DeepSeek-R1's second round has another temperature and other rewards than its first:
`rl_2.sampler.temperature=0.7`, `rl_2.rewards.format.weight=0`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from r1lite.config import Config
from r1lite.settings.typed import fitted

SECTIONS = ("algorithm", "rewards", "sampler", "quality", "task")
_AGAIN = re.compile(r"(?P<kind>.+)_(?:[2-9]|[1-9]\d+)")


def kind_of(name: str) -> str:
    """The stage that a name in `stages` means: rl for rl, and for rl_2."""
    again = _AGAIN.fullmatch(name)
    return again["kind"] if again else name


def settings_for(cfg: Config, name: str) -> Config:
    """The configuration as the stage of this name reads it: under its own section stands what its round differs in."""
    changes, kind = cfg.rounds.get(name) or {}, kind_of(name)
    if not isinstance(changes, Mapping):
        raise ValueError(f"rounds.{name} holds settings, such as {name}.steps=20; got {changes!r}")
    sections = {key: values for key, values in changes.items() if key in SECTIONS}
    own = {key: value for key, value in changes.items() if key not in SECTIONS}
    if not changes:
        return cfg
    return fitted(cfg, sections | ({kind: own} if own else {}), called=lambda key: in_round(key, name))


def in_round(key: str, name: str) -> str:
    """What a round calls a setting: rl.steps is rl_2.steps there, and algorithm.kl is rl_2.algorithm.kl. Empty where it has none."""
    section, dot, rest = key.partition(".")
    return name + dot + rest if section == kind_of(name) else f"{name}.{key}" if section in SECTIONS else ""
