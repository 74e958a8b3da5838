"""How every command begins and ends: its help, one line for what a user can mend, no traceback where nothing is broken."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence


def run(work: Callable[[Sequence[str]], None], *, help: str | None, bare: bool = False, stopped: str = "") -> None:
    """Do the work on the words that were typed. `bare`: it also works without any; `stopped`: what Ctrl-C leaves behind."""
    words = sys.argv[1:]
    if {"-h", "--help"} & set(words) or not (words or bare):
        print(help)
        return
    try:
        work(words)
    except ValueError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(stopped)
    except BrokenPipeError:  # whoever reads has seen enough; nothing more is written, at the interpreter's end neither
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
