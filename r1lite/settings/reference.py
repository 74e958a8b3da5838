"""Every setting with its type, its value and its help, read off the dataclasses: for --help, `r1lite settings` and the settings page."""

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
from r1lite.settings.elsewhere import ELSEWHERE, TRAINERS, elsewhere
from r1lite.settings.suggestions import choices
from r1lite.settings.typed import as_text

FIELD = re.compile(r"    (\w+): .*?  # (.+)")
COLUMN = 34  # where the help begins in a terminal


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One line of the reference."""

    name: str
    type: str
    value: Any
    help: str

    @property
    def elsewhere(self) -> dict[str, str]:
        """Trainer -> what it calls the setting."""
        return {trainer: name for trainer, name in zip(TRAINERS, elsewhere(self.name), strict=True) if name}

    def in_words(self, *, names: bool) -> str:
        others = ", ".join(f"{trainer}: {name}" for trainer, name in self.elsewhere.items())
        return f"{self.help} [{others}]" if names and others else self.help

    def speaks_of(self, words: Sequence[str]) -> bool:
        text = " ".join((self.name, self.help, *self.elsewhere.values())).lower()
        return all(word.lower() in text for word in words)


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """The settings of a part, with a line about it."""

    name: str
    about: str
    settings: tuple[Setting, ...]


def sections(cfg: Config, words: Sequence[str] = ()) -> Iterator[Section]:
    """The settings that speak of every word, by section; first those that belong to none."""
    parts = [f.name for f in fields(cfg) if is_dataclass(getattr(cfg, f.name))]
    for name in ("", *parts):
        part = getattr(cfg, name) if name else cfg
        found = tuple(s for s in _settings(part, f"{name}." if name else "", () if name else parts) if s.speaks_of(words))
        if found:
            yield Section(name=name, about=inspect.cleandoc(type(part).__doc__ or ""), settings=found)


def _settings(part: Any, prefix: str, without: Sequence[str] = ()) -> Iterator[Setting]:
    for field in (f for f in fields(part) if f.name not in without):
        name, value = f"{prefix}{field.name}", getattr(part, field.name)
        if is_dataclass(value):
            yield from _settings(value, f"{name}.")
        else:
            yield Setting(name=name, type=str(field.type), value=value, help=helps(type(part)).get(field.name, ""))


@cache
def helps(section: type) -> dict[str, str]:
    """The comment beside each field, of the class itself or of the one that it builds on."""
    found: dict[str, str] = {}
    for one in reversed([c for c in section.__mro__ if is_dataclass(c)]):
        with suppress(OSError):  # a class without a source, such as a Config with sections of plugins
            found |= {match[1]: match[2] for line in inspect.getsource(one).splitlines() if (match := FIELD.fullmatch(line))}
    return found


def in_terminal(cfg: Config, words: Sequence[str] = ()) -> str:
    """A line for each setting, as one would type it; with words, also what other trainers call it."""
    lines: list[str] = []
    for section in sections(cfg, words):
        about = section.about.split("\n\n")[0]
        lines += ["", *textwrap.wrap(f"{section.name}: {about}" if section.name else about, _width())]
        lines += _aligned([(f"  {s.name}={as_text(s.value)}", s.in_words(names=bool(words))) for s in section.settings], COLUMN)
    return "\n".join(lines[1:])


def _aligned(rows: Iterable[tuple[str, str]], column: int) -> Iterator[str]:
    """Two columns; where the first is too wide, the second begins on a line of its own."""
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
instead of running it. Settings that are given beside --help show what they change; `r1lite settings WORD` finds settings by a word.

{groups}

{settings}"""


def help_text(arguments: Sequence[str]) -> str:
    """What --help prints, with the values that the other arguments bring."""
    own, typed = own_folder([argument for argument in arguments if argument not in ("-h", "--help")])
    groups = [(f"  {group}", ", ".join(names)) for group, names in choices(own).items()]
    return HELP.format(groups="\n".join(_aligned(groups, 14)), settings=in_terminal(as_config(composed(typed, own))))


INTRO = """\
# Settings

A setting is typed as `name=value`. [Groups](groups.md) such as `algorithm=dapo` or `model=instruct` change several of these defaults at
once, and what is typed goes on top. `r1lite settings WORD` finds the settings that speak of a word, also by their names in other
trainers. `r1lite settings format=markdown` writes this page.
"""
PLAIN = set("of in the a share rows recipe PPO GKD DAPO".split())
OTHERS = """\
## Names in other trainers

What TRL, verl and OpenRLHF call these settings. If you type one of their names, the error message gives r1lite's.
A name without a section is that of every stage.

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
    rows = [_row(f"`{ours}`", *map(_as_code, names[:3])) for ours, names in ELSEWHERE.items()]
    return "\n".join([*parts, OTHERS + "\n".join(rows), ""])


def _as_code(names: str) -> str:
    """The identifiers among the words in code type."""
    return re.sub(r"[\w.]+", lambda word: word[0] if word[0] in PLAIN else f"`{word[0]}`", names)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
