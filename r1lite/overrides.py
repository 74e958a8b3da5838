"""What the user typed, before Hydra sees it: mistyped settings are caught at once, with what was meant."""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path

from r1lite.config import CONF, Config
from r1lite.rounds import SECTIONS, kind_of

# Settings whose keys belong to rules and tasks: they may be new, and are checked against signatures later.
OPEN = ("rewards", "task", "pretrain.corpus", "teacher.extra", "rounds")
FLAGS = ("--help", "-h", "--hydra-help", "--version", "--cfg", "-c", "--resolve", "--package", "-p", "--run", "-r", "--multirun", "-m")
FLAGS += (
    "--shell-completion",
    "-sc",
    "--config-path",
    "-cp",
    "--config-name",
    "-cn",
    "--config-dir",
    "-cd",
    "--experimental-rerun",
    "--info",
    "-i",
)
# What other trainers call a setting.
ELSEWHERE = {
    "learning_rate": "lr",
    "output_dir": "run_dir",
    "model_name_or_path": "model.path",
    "max_new_tokens": "max_tokens",
    "max_completion_length": "max_tokens",
    "num_generations": "group_size",
    "max_steps": "steps",
    "beta": "kl_coef",
}
# What the configuration says of a value that does not fit, and what that means.
WANTED = {
    "converted to Integer": "should be a whole number",
    "converted to Float": "should be a number",
    "not a valid bool": "should be true or false",
    "not a ListConfig": "should be a list, such as [a, b]",
    "not Optional": "needs a value",
    "not a subclass": "is a section: set what is in it, each by its full name",
    "not support deletion": "cannot be taken away",
}


def understood(arguments: Sequence[str]) -> list[str]:
    """The arguments as Hydra should read them; ends the program, with the reason, where they make no sense."""
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # a bug keeps its whole traceback
    arguments = [_opened(a) for a in arguments]
    try:
        _check(arguments)
    except ValueError as error:
        sys.exit(f"error: {error}")
    return arguments


def _opened(argument: str) -> str:
    """`rewards.mine.weight=1` may name a new key without Hydra's plus sign; `rl_2.steps=20` is what round rl_2 differs in."""
    key, equals, _ = argument.partition("=")
    if equals and _of_round(key):
        return f"++rounds.{argument}"
    return f"++{argument}" if equals and any(key.startswith(f"{group}.") for group in OPEN) else argument


def _check(arguments: Sequence[str]) -> None:
    expecting_value = False
    settings = []
    for argument in arguments:
        if expecting_value:
            expecting_value = False
        elif argument.startswith("-"):
            flag = argument.split("=")[0]
            if flag not in FLAGS:
                raise ValueError(
                    f"settings are written without dashes, as name=value.{_meant(flag.strip('-').replace('-', '_'), _known())}"
                )
            expecting_value = "=" not in argument and flag in (
                "--cfg",
                "-c",
                "--package",
                "-p",
                "--config-dir",
                "-cd",
                "--config-name",
                "-cn",
                "--config-path",
                "-cp",
            )
        elif argument.startswith("~") or "=" in argument:
            _check_name(argument)
            settings.append(argument)
        else:
            raise ValueError(f"{argument!r} is no setting: settings are written as name=value.{_meant(argument, _known())}")
    if settings and not {"--multirun", "-m", "--config-path", "-cp", "--config-name", "-cn"} & set(arguments):
        _compose(settings, _own_folder(arguments))


def _own_folder(arguments: Sequence[str]) -> Path | None:
    """The user's own settings, where --config-dir adds some."""
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        flag, equals, value = argument.partition("=")
        if flag in ("--config-dir", "-cd"):
            folder = Path(value if equals else following)
            if not folder.is_dir():
                raise ValueError(f"--config-dir {folder}: there is no such folder")
            return folder.resolve()
    return None


def _check_name(setting: str) -> None:
    """What composing would take without a word: Hydra's plus sign makes any name good."""
    key, _, value = setting.partition("=")
    if key.startswith("++rounds."):
        _check_round(key.removeprefix("++rounds."))
    if key == "stage":
        raise ValueError(f"to choose stages, write stages=[{value.strip('[]')}]")
    if key.startswith("+") and not key.lstrip("+").startswith(("hydra.", *(f"{g}." for g in OPEN))):
        key, known = key.lstrip("+"), _known()
        if key.split("@")[0] not in (*known, *_groups()):
            raise ValueError(f"unknown setting {key!r}.{_meant(key, known)}")


def _of_round(key: str) -> bool:
    """Whether a key such as `rl_2.steps` speaks of a stage that comes again."""
    name, dot, _ = key.partition(".")
    return bool(dot) and kind_of(name) != name and kind_of(name) in {f.name for f in fields(Config)} - {name}


def _check_round(key: str) -> None:
    """A round has its stage's settings, and those of some sections."""
    name, _, setting = key.partition(".")
    kind, section = kind_of(name), setting.partition(".")[0]
    mine = [known.removeprefix(f"{kind}.") for known in _known() if known.startswith((f"{kind}.", *(f"{s}." for s in SECTIONS)))]
    if setting in mine or (section in SECTIONS and section in OPEN):
        return
    raise ValueError(f"unknown setting {key!r}.{_meant(key, [f'{name}.{known}' for known in mine])}")


def _compose(settings: Sequence[str], own: Path | None) -> None:
    from hydra import compose, initialize_config_dir
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    path = [f"hydra.searchpath=['file://{own}']"] if own else []
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        try:
            compose("config", overrides=[*path, *settings])
        except (HydraException, OmegaConfBaseException) as error:
            raise ValueError(_translated(error, settings, own)) from error


def _translated(error: Exception, settings: Sequence[str], own: Path | None) -> str:
    """Hydra's message in the words of someone who wants to train a model."""
    known, groups = _known(), _groups(own)
    for setting in settings:
        key, _, value = setting.lstrip("+~").partition("=")
        if key in groups:
            if value and value != "null" and value not in groups[key]:
                near = difflib.get_close_matches(value, groups[key], n=1)
                meant = f" Did you mean {near[0]}?" if near else f" A folder or a hub name is model.path={value}." if key == "model" else ""
                return f"there is no {key} called {value!r}.{meant} Known: {', '.join(groups[key])}."
        elif key not in known and not key.startswith(("hydra.", *(f"{g}." for g in OPEN))):
            return f"unknown setting {key!r}.{_meant(key, known)}"
    reason = str(error.__cause__ or error)
    where = re.search(r"full_key: (\S+)", reason)
    wanted = next((words for sign, words in WANTED.items() if sign in reason), None)
    if where and wanted:
        got = [value for key, equals, value in (s.partition("=") for s in settings) if equals and key.lstrip("+") == where[1]]
        return f"{where[1]} {wanted}{f', got {got[-1]!r}' if got else ''}"
    reason = reason.split("\n")[0].strip()
    unread = getattr(error, "override", None)
    return f"{unread} cannot be read: {reason}. Quote it, or parts of it, for the shell and for Hydra." if unread else reason


def _meant(key: str, known: Sequence[str]) -> str:
    """The settings nearest to what was typed: by the whole name, or by its last part (`lr` -> rl.lr, sft.lr)."""
    section, dot, last = key.rpartition(".")
    last = ELSEWHERE.get(last, last)
    key = section + dot + last
    ends: dict[str, list[str]] = {}
    for name in known:
        ends.setdefault(name.rsplit(".", 1)[-1], []).append(name)
    near = [key] if key in known else ends.get(last, []) if "." not in key else []
    near = near or difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    near = near or [name for end in difflib.get_close_matches(last, ends, n=1, cutoff=0.6) for name in ends[end]]
    return f" Did you mean {' or '.join(near[:6])}?" if near else " `python -m r1lite.train --help` lists them."


@cache
def _known() -> list[str]:
    """Every setting and every section, by its full name."""
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from omegaconf import OmegaConf

    from r1lite.run import flat

    if GlobalHydra.instance().is_initialized():
        cfg = compose("config")
    else:
        with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
            cfg = compose("config")
    names = list(flat(OmegaConf.to_container(cfg, resolve=False)))
    sections = {name.rsplit(".", n)[0] for name in names for n in range(1, name.count(".") + 1)}
    return sorted({*names, *sections})


def _groups(own: Path | None = None) -> dict[str, list[str]]:
    """Every group and its choices, the user's own included."""
    files = [path for folder in (CONF, own) if folder for path in folder.glob("*/*.yaml")]
    return {group: sorted({f.stem for f in files if f.parent.name == group}) for group in sorted({f.parent.name for f in files})}
