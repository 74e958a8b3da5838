"""What the user typed, before Hydra sees it: mistyped settings are caught at once, with what was meant."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from r1lite.config import Config
from r1lite.settings.compose import as_config, composed
from r1lite.settings.suggestions import choices, did_you_mean
from r1lite.settings.typed import names_of

TAKES_VALUE = set("--cfg -c --package -p --config-path -cp --config-name -cn --config-dir -cd --shell-completion -sc".split())
FLAGS = TAKES_VALUE | set("--help -h --hydra-help --version --resolve --run -r --multirun -m --experimental-rerun --info -i".split())
ELSEWHERE = {"--multirun", "-m", "--config-path", "-cp", "--config-name", "-cn"}  # then Hydra alone knows what is composed


def understood(arguments: Sequence[str], own: Path | None = None) -> list[str]:
    """The arguments as Hydra should read them; ends the program, with the reason, where they make no sense."""
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # a bug keeps its whole traceback
    try:
        return checked(arguments, own)
    except ValueError as error:
        sys.exit(f"error: {error}")


def checked(arguments: Sequence[str], own: Path | None = None) -> list[str]:
    """The arguments as Hydra should read them; ValueError where they make no sense.

    own: the user's folder of settings, where it has been taken out of the arguments
    """
    folder = own or own_folder(arguments)[0]
    groups, known = choices(folder), [*names_of(Config())]
    settings = _settings(arguments, known)
    for setting in settings:
        _check(setting, groups, known)
    opened = {setting: _opened(setting, groups, known) for setting in settings}
    if settings and not ELSEWHERE & set(arguments):
        _try([opened[setting] for setting in settings], folder)
    return [opened.get(argument, argument) for argument in arguments]


def _settings(arguments: Sequence[str], known: Sequence[str]) -> list[str]:
    """Those of the arguments that are settings, and no flags of Hydra's, nor values of these."""
    settings, expecting_value = [], False
    for argument in arguments:
        if expecting_value:
            expecting_value = False
        elif argument.startswith("-"):
            flag = argument.split("=")[0]
            if flag not in FLAGS:
                named = flag.strip("-").replace("-", "_")
                raise ValueError(f"settings are written without dashes, as name=value.{did_you_mean(named, known)}")
            expecting_value = "=" not in argument and flag in TAKES_VALUE
        elif argument.startswith("~") or "=" in argument:
            settings.append(argument)
        else:
            raise ValueError(f"{argument!r} is no setting: settings are written as name=value.{did_you_mean(argument, known)}")
    return settings


def _check(setting: str, groups: dict[str, list[str]], known: Sequence[str]) -> None:
    """What Hydra would say in its own words."""
    key, _, value = setting.lstrip("+~").partition("=")
    if setting.startswith("~") and key in known:
        raise ValueError(f"{key} cannot be taken away")
    if key in groups and value and value != "null" and value not in groups[key]:
        near = difflib.get_close_matches(value, groups[key], n=1)
        meant = f" Did you mean {near[0]}?" if near else f" A folder or a hub name is model.path={value}." if key == "model" else ""
        raise ValueError(f"there is no {key} called {value!r}.{meant} Known: {', '.join(groups[key])}.")


def _opened(setting: str, groups: dict[str, list[str]], known: Sequence[str]) -> str:
    """New keys need no plus sign of Hydra's, nor do braces that hold some: rules and tasks bring them; as_config refuses unknown ones."""
    key, _, value = setting.partition("=")
    plain = not setting.startswith(("~", "+", "hydra.")) and key.split("@")[0] not in groups
    return f"++{setting}" if plain and (key not in known or value.startswith("{")) else setting


def own_folder(arguments: Sequence[str]) -> tuple[Path | None, list[str]]:
    """The user's own settings, where --config-dir adds some; and the arguments without it."""
    for at, argument in enumerate(arguments):
        flag, equals, value = argument.partition("=")
        if flag in ("--config-dir", "-cd"):
            rest = arguments[at + 1 :]
            folder, rest = (Path(value), rest) if equals else (Path("".join(rest[:1])), rest[1:])
            if not folder.is_dir():
                raise ValueError(f"--config-dir {folder}: there is no such folder")
            return folder.resolve(), [*arguments[:at], *rest]
    return None, list(arguments)


def _try(settings: Sequence[str], own: Path | None) -> None:
    from hydra.errors import HydraException

    try:
        as_config(composed(settings, own))
    except HydraException as error:
        reason, unread = str(error.__cause__ or error).split("\n")[0].strip(), getattr(error, "override", None)
        more = f"{unread} cannot be read: {reason}. Quote it, or parts of it, for the shell and for Hydra." if unread else reason
        raise ValueError(more) from error
