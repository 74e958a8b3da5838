"""Lists every setting with its type, value and help, from the dataclasses: for --help, `r1lite settings` and the settings page."""

from __future__ import annotations

import inspect
import re
import shutil
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any

from r1lite.config import Config
from r1lite.settings.command_line import own_folder
from r1lite.settings.compose import as_config, composed
from r1lite.settings.other_trainers import NAMES_OF, names_in_trainers
from r1lite.settings.suggestions import choices
from r1lite.settings.typed import as_text

FIELD = re.compile(r"    (\w+): .*?  # (.+)")
COLUMN = 34  # where the help begins in a terminal


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One setting, as listed."""

    name: str
    type: str
    value: Any
    help: str

    def mentions(self, words: Sequence[str]) -> bool:
        text = " ".join((self.name, self.help, *names_in_trainers(self.name).values())).lower()
        return all(word.lower() in text for word in words)

    def help_with_names(self) -> str:
        """The help, with the setting's names in other trainers."""
        names = ", ".join(f"{trainer}: {name}" for trainer, name in names_in_trainers(self.name).items())
        return f"{self.help} [{names}]" if names else self.help


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """The settings of one section, with its description."""

    name: str
    about: str
    settings: tuple[Setting, ...]


def sections(cfg: Config, words: Sequence[str] = ()) -> Iterator[Section]:
    """The settings that mention every word, by section. Those without a section come first."""
    parts = [f.name for f in fields(cfg) if is_dataclass(getattr(cfg, f.name))]
    for name in ("", *parts):
        part = getattr(cfg, name) if name else cfg
        settings = tuple(s for s in _settings(part, f"{name}." if name else "", () if name else parts) if s.mentions(words))
        if settings:
            yield Section(name=name, about=inspect.cleandoc(type(part).__doc__ or ""), settings=settings)


def _settings(part: Any, prefix: str, without: Sequence[str] = ()) -> Iterator[Setting]:
    for field in (f for f in fields(part) if f.name not in without):
        name, value = f"{prefix}{field.name}", getattr(part, field.name)
        if is_dataclass(value):
            yield from _settings(value, f"{name}.")
        else:
            yield Setting(name=name, type=str(field.type), value=value, help=helps(type(part)).get(field.name, ""))


@cache
def helps(section: type) -> dict[str, str]:
    """The comment beside each field, from the class itself or from the classes that it inherits from."""
    comments: dict[str, str] = {}
    for base in reversed([c for c in section.__mro__ if is_dataclass(c)]):
        with suppress(OSError):  # a class without source code, such as a Config with sections of plugins
            comments |= {match[1]: match[2] for line in inspect.getsource(base).splitlines() if (match := FIELD.fullmatch(line))}
    return comments


def in_terminal(cfg: Config, words: Sequence[str] = ()) -> str:
    """A line for each setting, as one would type it. With words, also its names in other trainers."""
    lines: list[str] = []
    for section in sections(cfg, words):
        about = section.about.split("\n\n")[0]
        lines += ["", *textwrap.wrap(f"{section.name}: {about}" if section.name else about, _width())]
        lines += _aligned([(f"  {s.name}={as_text(s.value)}", s.help_with_names() if words else s.help) for s in section.settings], COLUMN)
    return "\n".join(lines[1:])


def _aligned(rows: Iterable[tuple[str, str]], column: int) -> Iterator[str]:
    """Two columns. If the first is too wide, the second begins on a new line."""
    for head, text in rows:
        lines = textwrap.wrap(text, _width() - column) or [""]
        if len(head) < column:
            yield (head.ljust(column) + lines.pop(0)).rstrip()
        else:
            yield head
        yield from (" " * column + line for line in lines)


def _width() -> int:
    return max(80, min(140, shutil.get_terminal_size((120, 24)).columns))


HELP = """\
python -m r1lite.train [group=choice ...] [setting=value ...]

A group changes several settings at once; --config-dir FOLDER adds choices of your own. `--cfg job` prints the whole configuration
instead of running it. Settings typed together with --help are applied to this list; `r1lite settings WORD` searches the settings.

{groups}

{settings}"""


def help_text(arguments: Sequence[str]) -> str:
    """The text of --help, with the values that the other arguments set."""
    own, typed = own_folder([argument for argument in arguments if argument not in ("-h", "--help")])
    groups = [(f"  {group}", ", ".join(names)) for group, names in choices(own).items()]
    return HELP.format(groups="\n".join(_aligned(groups, 14)), settings=in_terminal(as_config(composed(typed, own))))


INTRO = """\
# Settings

A setting is written as `name=value`. [Groups](groups.md) such as `algorithm=dapo` or `model=instruct` change several of
these defaults at once; settings that you type take precedence. `r1lite settings WORD` finds the settings that mention a
word, also by their names in other trainers. `r1lite settings format=markdown` writes this page.
"""
PLAIN = set("of in the a share rows recipe PPO GKD DAPO".split())
OTHERS = """\
## Names in other trainers

The names of these settings in TRL, verl and OpenRLHF. If you type one of them, the error message gives r1lite's name.
A name without a section exists in every stage.

| r1lite | TRL | verl | OpenRLHF |
|---|---|---|---|
"""


def as_markdown(cfg: Config) -> str:
    """The settings page."""
    parts = [INTRO]
    for section in sections(cfg):
        parts.append(f"## {section.name or 'The run'}\n\n{section.about}\n\n| setting | type | default | |\n|---|---|---|---|")
        parts += [_row(f"`{one.name}`", f"`{one.type}`", f"`{as_text(one.value)}`", one.help) for one in section.settings]
        parts.append("")
    rows = [_row(f"`{ours}`", *map(_as_code, names[:3])) for ours, names in NAMES_OF.items()]
    return "\n".join([*parts, OTHERS + "\n".join(rows), ""])


def _as_code(names: str) -> str:
    """Format the identifiers among the words as code."""
    return re.sub(r"[\w.]+", lambda word: word[0] if word[0] in PLAIN else f"`{word[0]}`", names)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
