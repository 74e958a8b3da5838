"""Every setting with its value and a line of help.

    r1lite settings [WORD ...] [format=markdown] [--config-dir FOLDER] [any setting of training]

With words, the settings whose name, help or name in TRL, verl or OpenRLHF holds all of them. Settings such as experiment=demo or
algorithm=dapo show the values that they bring. format=markdown writes docs/reference/settings.md, with the defaults.
"""

from __future__ import annotations

from collections.abc import Sequence

from r1lite.commands import _shell
from r1lite.config import Config
from r1lite.settings import command_line
from r1lite.settings.compose import as_config, composed
from r1lite.settings.reference import as_markdown, in_terminal

MARKDOWN = "format=markdown"


def main() -> None:
    _shell.run(_settings, help=__doc__, bare=True)


def _settings(arguments: Sequence[str]) -> None:
    own, arguments = command_line.own_folder(arguments)
    words = [word for word in arguments if "=" not in word and not word.startswith(("-", "~"))]
    typed = [argument for argument in arguments if argument not in (*words, MARKDOWN)]
    if MARKDOWN in arguments:
        print(as_markdown(Config()), end="")
        return
    found = in_terminal(as_config(composed(command_line.understood(typed, own), own)), words)
    if not found:
        raise ValueError(f"no setting speaks of {' '.join(words)}")
    print(found)


if __name__ == "__main__":
    main()
