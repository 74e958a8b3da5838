"""The sandbox of this process: starts with a worker's warm-up or the first program, and ends with the process."""

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
    """The sandbox, with one worker of its own: programs already run in parallel, in several scoring workers."""
    from sandbox import Sandbox
    from sandbox.jail import bubblewrap

    if tier == "full" and sys.platform == "linux" and bubblewrap() is None:
        raise OptionError(
            "rewards.code needs the extra `code`: pip install 'r1lite[code]'. "
            "rewards.code.tier=reduced works without it, with less isolation (docs/use/sandbox.md)."
        )
    sandbox = Sandbox(workers=1, unsafe=True) if tier == "unsafe" else Sandbox(workers=1, tier=tier)  # pyright: ignore
    atexit.register(sandbox.close)
    return sandbox
