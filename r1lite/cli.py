"""The `r1lite` command: `r1lite train experiment=demo`, or any setting straight away."""

from __future__ import annotations

import sys
from importlib import import_module

COMMANDS = {
    "train": "r1lite.train",
}

USAGE = """\
r1lite train [name=value ...]    train; `r1lite train --help` lists the settings
"""


def main() -> None:
    word = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if word in ("-h", "--help", "help"):
        sys.exit(print(USAGE, end=""))
    if word in COMMANDS:
        del sys.argv[1]
    import_module(COMMANDS.get(word, "r1lite.train")).main()
