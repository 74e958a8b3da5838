"""A stage that comes again. `rl_2` runs stage `rl`, in a folder of its own, with rl's settings and what differs from them.

What differs is written under the round's own name (`rl_2.steps=20`), and stands in the configuration under `rounds`. A round
may also differ in whole sections, since DeepSeek-R1's second round has another temperature and other rewards than its first:
`rl_2.sampler.temperature=0.7`, `rl_2.rewards.format.weight=0`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from r1lite.config import Config
from r1lite.registry import unknown

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
    own = {f.name for f in fields(getattr(cfg, kind))} if hasattr(cfg, kind) else set()
    strange = [key for key in changes if key not in {*own, *SECTIONS}]
    if strange:
        raise ValueError(unknown("setting of round", f"{name}.{strange[0]}", (f"{name}.{key}" for key in {*own, *SECTIONS})))
    mine = {key: value for key, value in changes.items() if key in own}
    changed = {section: changes[section] for section in changes if section not in own} | ({kind: mine} if mine else {})
    return replace(cfg, **{section: _merged(getattr(cfg, section), values, name) for section, values in changed.items()})


def _merged(section: Any, changes: Any, name: str) -> Any:
    """A section with changes over it, of the types that it has."""
    try:
        if is_dataclass(section):
            return OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(section), changes))
        return OmegaConf.to_container(OmegaConf.merge(OmegaConf.create(section), changes))
    except OmegaConfBaseException as error:
        where = f".{error.full_key}" if error.full_key else ""
        raise ValueError(f"{name}{where}: {str(error).splitlines()[0]}") from error
