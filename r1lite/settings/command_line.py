"""What the user typed, before Hydra sees it: mistyped settings are caught at once, with what was meant."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from r1lite.config import Config
from r1lite.settings.compose import composed
from r1lite.settings.rounds import SECTIONS, kind_of
from r1lite.settings.suggestions import OPEN, choices, did_you_mean, setting_names, translated

FLAGS = (
    "--help",
    "-h",
    "--hydra-help",
    "--version",
    "--resolve",
    "--run",
    "-r",
    "--multirun",
    "-m",
    "--experimental-rerun",
    "--info",
    "-i",
)
TAKES_VALUE = ("--cfg", "-c", "--package", "-p", "--config-path", "-cp", "--config-name", "-cn", "--config-dir", "-cd")
TAKES_VALUE += ("--shell-completion", "-sc")


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
    arguments = [_opened(a) for a in arguments]
    _check(arguments, own)
    return arguments


def _opened(argument: str) -> str:
    """`rewards.mine.weight=1` may name a new key without Hydra's plus sign; `rl_2.steps=20` is what round rl_2 differs in."""
    key, equals, _ = argument.partition("=")
    if equals and _of_round(key):
        return f"++rounds.{argument}"
    return f"++{argument}" if equals and any(key.startswith(f"{group}.") for group in OPEN) else argument


def _check(arguments: Sequence[str], own: Path | None) -> None:
    expecting_value = False
    settings = []
    for argument in arguments:
        if expecting_value:
            expecting_value = False
        elif argument.startswith("-"):
            flag = argument.split("=")[0]
            if flag not in (*FLAGS, *TAKES_VALUE):
                named = flag.strip("-").replace("-", "_")
                raise ValueError(f"settings are written without dashes, as name=value.{did_you_mean(named, setting_names())}")
            expecting_value = "=" not in argument and flag in TAKES_VALUE
        elif argument.startswith("~") or "=" in argument:
            _check_name(argument)
            settings.append(argument)
        else:
            raise ValueError(f"{argument!r} is no setting: settings are written as name=value.{did_you_mean(argument, setting_names())}")
    if settings and not {"--multirun", "-m", "--config-path", "-cp", "--config-name", "-cn"} & set(arguments):
        _compose(settings, own or own_folder(arguments)[0])


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


def _check_name(setting: str) -> None:
    """What composing would take without a word: Hydra's plus sign makes any name good."""
    key, _, value = setting.partition("=")
    if key.startswith("++rounds."):
        _check_round(key.removeprefix("++rounds."))
    if key == "stage":
        raise ValueError(f"to choose stages, write stages=[{value.strip('[]')}]")
    if key.startswith("+") and not key.lstrip("+").startswith(("hydra.", *(f"{g}." for g in OPEN))):
        key, known = key.lstrip("+"), setting_names()
        if key.split("@")[0] not in (*known, *choices()):
            raise ValueError(f"unknown setting {key!r}.{did_you_mean(key, known)}")


def _of_round(key: str) -> bool:
    """Whether a key such as `rl_2.steps` speaks of a stage that comes again."""
    name, dot, _ = key.partition(".")
    return bool(dot) and kind_of(name) != name and kind_of(name) in {f.name for f in fields(Config)} - {name}


def _check_round(key: str) -> None:
    """A round has its stage's settings, and those of some sections."""
    name, _, setting = key.partition(".")
    kind, section = kind_of(name), setting.partition(".")[0]
    mine = [known.removeprefix(f"{kind}.") for known in setting_names() if known.startswith((f"{kind}.", *(f"{s}." for s in SECTIONS)))]
    if setting in mine or (section in SECTIONS and section in OPEN):
        return
    raise ValueError(f"unknown setting {key!r}.{did_you_mean(key, [f'{name}.{known}' for known in mine])}")


def _compose(settings: Sequence[str], own: Path | None) -> None:
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    try:
        composed(settings, own)
    except (HydraException, OmegaConfBaseException) as error:
        raise ValueError(translated(error, settings, own)) from error
