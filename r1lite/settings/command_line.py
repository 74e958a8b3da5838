"""Checks what the user typed before Hydra sees it. A mistyped setting is refused at once, with a suggestion."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from r1lite.config import Config
from r1lite.registry import unknown
from r1lite.settings.compose import as_config, composed
from r1lite.settings.suggestions import choices, did_you_mean
from r1lite.settings.typed import names_of

TAKES_VALUE = set("--cfg -c --package -p --config-path -cp --config-name -cn --config-dir -cd --shell-completion -sc".split())
FLAGS = TAKES_VALUE | set("--help -h --hydra-help --version --resolve --run -r --multirun -m --experimental-rerun --info -i".split())
HYDRA_ONLY = {"--multirun", "-m", "--config-path", "-cp", "--config-name", "-cn"}  # with these, only Hydra knows what is composed


def understood(arguments: Sequence[str], own: Path | None = None) -> list[str]:
    """The arguments for Hydra. Exits with an error message if they are wrong."""
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # so that a bug shows its whole traceback
    try:
        return checked(arguments, own)
    except ValueError as error:
        sys.exit(f"error: {error}")


def checked(arguments: Sequence[str], own: Path | None = None) -> list[str]:
    """The arguments for Hydra. Raises ValueError if they are wrong.

    own: the user's own folder of settings, if it has been removed from the arguments
    """
    folder = own or own_folder(arguments)[0]
    groups, known = choices(folder), [*names_of(Config())]
    settings = _settings(arguments, known)
    for setting in settings:
        _check(setting, groups, known)
    overrides = {setting: _as_override(setting, groups, known) for setting in settings}
    if settings and not HYDRA_ONLY & set(arguments):
        _compose([overrides[setting] for setting in settings], folder)
    return [overrides.get(argument, argument) for argument in arguments]


def _settings(arguments: Sequence[str], known: Sequence[str]) -> list[str]:
    """The arguments that are settings, rather than flags of Hydra or their values."""
    settings, expecting_value = [], False
    for argument in arguments:
        if expecting_value:
            expecting_value = False
        elif argument.startswith("-"):
            flag = argument.split("=")[0]
            if flag not in FLAGS:
                name = flag.strip("-").replace("-", "_")
                raise ValueError(f"settings are written without dashes, as name=value.{did_you_mean(name, known)}")
            expecting_value = "=" not in argument and flag in TAKES_VALUE
        elif argument.startswith("~") or "=" in argument:
            settings.append(argument)
        else:
            raise ValueError(f"{argument!r} is not a setting. Settings are written as name=value.{did_you_mean(argument, known)}")
    return settings


def _check(setting: str, groups: dict[str, list[str]], known: Sequence[str]) -> None:
    """Refuse what Hydra would refuse, with a clearer message."""
    key, _, value = setting.lstrip("+~").partition("=")
    if setting.startswith("~") and key in known:
        raise ValueError(f"{key} cannot be removed")
    if key in groups and value and value != "null" and value not in groups[key]:
        hint = f" For a folder or a hub name, write model.path={value}." if key == "model" else ""
        raise ValueError(unknown(key, value, groups[key]) + hint)


def _as_override(setting: str, groups: dict[str, list[str]], known: Sequence[str]) -> str:
    """Add the `++` that Hydra wants for new keys, such as options of rules and tasks. Unknown keys are refused by as_config."""
    key, _, value = setting.partition("=")
    plain = not setting.startswith(("~", "+", "hydra.")) and key.split("@")[0] not in groups
    return f"++{setting}" if plain and (key not in known or value.startswith("{")) else setting


def own_folder(arguments: Sequence[str]) -> tuple[Path | None, list[str]]:
    """The user's own folder of settings, if --config-dir names one, and the arguments without it."""
    for i, argument in enumerate(arguments):
        flag, equals, value = argument.partition("=")
        if flag in ("--config-dir", "-cd"):
            rest = arguments[i + 1 :]
            folder, rest = (Path(value), rest) if equals else (Path("".join(rest[:1])), rest[1:])
            if not folder.is_dir():
                raise ValueError(f"--config-dir {folder}: there is no such folder")
            return folder.resolve(), [*arguments[:i], *rest]
    return None, list(arguments)


def _compose(settings: Sequence[str], own: Path | None) -> None:
    from hydra.errors import HydraException

    try:
        as_config(composed(settings, own))
    except HydraException as error:
        reason, override = str(error.__cause__ or error).split("\n")[0].strip(), getattr(error, "override", None)
        quote = "Quote it, or parts of it, for the shell and for Hydra."
        raise ValueError(f"{override} cannot be parsed: {reason}. {quote}" if override else reason) from error
