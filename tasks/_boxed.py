r"""The last \boxed{...} of a worked solution, whatever braces stand in it; or \boxed 7, as some write it."""

from __future__ import annotations

import re

_BOX = re.compile(r"\\(?:boxed|fbox)(?:\s*\{|\s+(?P<bare>[^\s{}$.,;]+(?:\.\d+)?))")


def last_boxed(text: str) -> str | None:
    """What the last box holds; None where there is none, or where it is not closed."""
    found = list(_BOX.finditer(text))
    if not found:
        return None
    if found[-1]["bare"]:
        return found[-1]["bare"]
    depth, start = 1, found[-1].end()
    at = start
    while at < len(text):
        if text[at] == "\\":  # an escaped brace, as in \{1, 2\}, opens nothing
            at += 2
            continue
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if not depth:
            return text[start:at].strip()
        at += 1
    return None
