"""Tab completion in bash. Commands are completed here, and settings by Hydra, which only understands a line of settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress

from r1lite.reporting.metric_reference import METRICS
from r1lite.settings.command_line import own_folder
from r1lite.settings.suggestions import choices

WITHOUT_SETTINGS = {
    "explain": tuple(name for name in METRICS if "<" not in name),
    "reward": ("list", "explain", "new"),
    "export": (),
    "score": (),
    "report": (),
    "watch": (),
}  # commands that take no settings of training, with what may follow them


def prepare(arguments: Sequence[str], commands: Collection[str]) -> list[str]:
    """Hydra's arguments (`query=bash`). Reduces COMP_LINE, which the shell sets, to what Hydra understands."""
    line = os.environ.get("COMP_LINE")
    if line is None or not any(a.startswith("query=") for a in arguments):
        return list(arguments)
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - a completion that fails must not print into the command line
    typed = line.encode()[: int(os.environ.get("COMP_POINT") or len(line.encode()))].decode(errors="ignore")
    words = typed.split()[1:]
    word = words.pop() if words and not typed[-1].isspace() else ""
    if not words:
        _offer(commands, word)
    elif words[0] in WITHOUT_SETTINGS:
        _offer(WITHOUT_SETTINGS[words[0]] if len(words) == 1 else (), word)
        sys.exit()
    if word.startswith("-") or ("/" in word and "=" not in word):  # a path: bash completes it if nothing is offered
        sys.exit()
    own, words = _own_folder(words)
    os.environ["COMP_LINE"] = " ".join(["r1lite", *_group_choices(words, own), word])
    return [*arguments, *own]


def _offer(names: Iterable[str], word: str) -> None:
    print("\n".join(name for name in names if name.startswith(word)))


def _own_folder(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """--config-dir as an argument for Hydra, and the other words."""
    with suppress(ValueError):  # incomplete or wrong
        folder, words = own_folder(words)
        return (["--config-dir", str(folder)] if folder else []), list(words)
    return [], list(words)


def _group_choices(words: Sequence[str], own: Sequence[str]) -> list[str]:
    """The words that choose from a config group, which decide what settings exist. Hydra cannot read some of the others."""
    from pathlib import Path

    groups = choices(Path(own[-1]) if own else None)
    return [word for word in words if word.partition("=")[2] in groups.get(word.partition("=")[0], ())]
