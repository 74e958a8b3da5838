"""Repeated stages. `rl_2` runs stage `rl` again, in its own folder, with rl's settings and some changes.

The changes are written under the round's name (`rl_2.steps=20`), and saved in the configuration under `rounds`. A round may also
change settings of whole sections, as the second round of DeepSeek-R1 has another temperature and other rewards than the first:
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
    """The stage that a name in `stages` refers to: rl for both rl and rl_2."""
    again = _AGAIN.fullmatch(name)
    return again["kind"] if again else name


def settings_for(cfg: Config, name: str) -> Config:
    """The configuration for the stage of this name, with the changes of its round applied."""
    changes, kind = cfg.rounds.get(name) or {}, kind_of(name)
    if not isinstance(changes, Mapping):
        raise ValueError(f"rounds.{name} must contain settings, such as {name}.steps=20; got {changes!r}")
    sections = {key: values for key, values in changes.items() if key in SECTIONS}
    own = {key: value for key, value in changes.items() if key not in SECTIONS}
    if not changes:
        return cfg
    return fitted(cfg, sections | ({kind: own} if own else {}), name_of=lambda key: in_round(key, name))


def in_round(key: str, name: str) -> str:
    """The name of a setting in a round: rl.steps is rl_2.steps, and algorithm.kl is rl_2.algorithm.kl. Empty if rounds cannot change it."""
    section, dot, rest = key.partition(".")
    return name + dot + rest if section == kind_of(name) else f"{name}.{key}" if section in SECTIONS else ""
