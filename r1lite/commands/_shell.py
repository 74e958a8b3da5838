"""Common to all commands: prints the help, reports user errors in one line, and ends quietly when interrupted."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Sequence

from r1lite.registry import unknown


def parse_settings(arguments: Sequence[str], known: Collection[str] = ()) -> dict[str, str]:
    """Arguments written as name=value. Without `known`, any name is accepted."""
    settings = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not name or not equals:
            raise ValueError(f"{argument!r} is not a setting: settings are written as name=value")
        if known and name not in known:
            raise ValueError(unknown("setting", name, known))
        settings[name] = value
    return settings


def run(work: Callable[[Sequence[str]], None], *, help: str | None, bare: bool = False, stopped: str = "") -> None:
    """Call `work` with the command-line arguments, or print the help.

    bare: without arguments, the command also runs
    stopped: what to print after Ctrl-C
    """
    arguments = sys.argv[1:]
    if {"-h", "--help"} & set(arguments) or not (arguments or bare):
        print(help)
        return
    try:
        work(arguments)
    except ValueError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(stopped)
    except BrokenPipeError:  # the reader closed the pipe; writing to it again at exit would raise once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
