"""The settings of Python calls: strings as on the command line, keyword arguments, or a whole Config."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from r1lite.config import Config
from r1lite.settings.command_line import checked
from r1lite.settings.compose import as_config, composed
from r1lite.settings.rounds import kind_of
from r1lite.settings.typed import fitted, names_of

NAME = re.compile(r"\w+")
PLAIN = re.compile(r"[A-Za-z_/~][\w/.-]*")
WORDS = ("true", "false", "null", "nan", "inf")  # plain words that Hydra does not read as text


def configured(settings: Sequence[str | Config], values: Mapping[str, Any], config_dir: str | Path | None = None) -> Config:
    """The configuration that the command line would compose. Wrong settings raise ValueError with the same messages."""
    words, own = [setting for setting in settings if isinstance(setting, str)], folder_of(config_dir)
    given = [setting for setting in settings if isinstance(setting, Config)]
    others = [setting for setting in settings if not isinstance(setting, str | Config)]
    if others:
        raise ValueError(
            f'settings should be strings such as "rl.steps=20", or a Config; got {others[0]!r:.60}. '
            f"Pass problems as task=..., and values as keywords: rl={{'steps': 20}}"
        )
    if not given:
        return as_config(composed(checked([*words, *written(values)], own), own))
    if len(given) > 1 or words or own:
        raise ValueError(
            "a Config is a whole configuration: pass no other settings beside it, except as keywords, such as rl={'steps': 20}"
        )
    return fitted(deepcopy(given[0]), values)


def folder_of(config_dir: str | Path | None) -> Path | None:
    if config_dir is None:
        return None
    folder = Path(config_dir).expanduser()
    if not folder.is_dir():
        raise ValueError(f"config_dir={config_dir}: there is no such folder")
    return folder.resolve()


def written(values: Mapping[str, Any], section: str = "") -> Iterator[str]:
    """Keyword arguments as settings of the command line: rl={"steps": 20} becomes `rl.steps=20`."""
    for name, value in values.items():
        key = f"{section}{name}"
        if isinstance(value, Mapping) and _is_section(key, value):
            yield from written(value, f"{key}.")
        else:
            yield f"{key}={text_of(key, value)}"


def _is_section(key: str, value: Mapping[str, Any]) -> bool:
    """Whether the entries of this value can be set one by one."""
    known = key == "task" or any(name.startswith(f"{kind_of(key)}.") for name in names_of(Config()))
    return known and all(NAME.fullmatch(str(name)) for name in value)


def text_of(key: str, value: Any) -> str:
    """The value as Hydra's command line accepts it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, str | Path):
        return _quoted(str(value))
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{name}:{text_of(f'{key}.{name}', one)}" for name, one in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ",".join(text_of(key, one) for one in value) + "]"
    raise ValueError(f"{key} should be text, a number, true or false, a list or a dict, got {type(value).__name__}")


def _quoted(text: str) -> str:
    from hydra.core.override_parser.types import Quote, QuotedString

    if PLAIN.fullmatch(text) and text.lower() not in WORDS:
        return text
    return QuotedString(text=text.replace("${", "\\${"), quote=Quote.single).with_quotes()
