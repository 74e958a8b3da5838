"""List the settings, each with its value and a line of help.

    r1lite settings [WORD ...] [format=markdown] [--config-dir FOLDER] [any setting of training]

WORDs select the settings that contain all of them in the name, in the help, or in their names in TRL, verl and OpenRLHF.
With settings such as experiment=demo or algorithm=dapo, the values are those that they set. format=markdown prints
docs/reference/settings.md, with the defaults.
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
    settings = [argument for argument in arguments if argument not in (*words, MARKDOWN)]
    if MARKDOWN in arguments:
        print(as_markdown(Config()), end="")
        return
    listing = in_terminal(as_config(composed(command_line.understood(settings, own), own)), words)
    if not listing:
        raise ValueError(f"no setting contains {' '.join(words)}")
    print(listing)


if __name__ == "__main__":
    main()
