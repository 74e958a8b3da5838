"""The sandbox of this process: started with the first program, or before a worker's first verdict, and ended with it."""

from __future__ import annotations

import atexit
import sys
from functools import cache
from typing import TYPE_CHECKING

from rewards._options import OptionError

if TYPE_CHECKING:
    from sandbox import Sandbox


@cache
def box(tier: str) -> Sandbox:
    """A jail of one worker: scoring workers are processes, so that several programs run at once already."""
    from sandbox import Sandbox
    from sandbox.jail import bubblewrap

    if tier == "full" and sys.platform == "linux" and bubblewrap() is None:
        raise OptionError(
            "rewards.code needs the extra `code`: pip install 'r1lite[code]'. "
            "rewards.code.tier=reduced works without it, with less isolation (docs/use/sandbox.md)."
        )
    made = Sandbox(workers=1, unsafe=True) if tier == "unsafe" else Sandbox(workers=1, tier=tier)  # pyright: ignore
    atexit.register(made.close)
    return made
