r"""The last \boxed{...} of a worked solution, with balanced braces; or \boxed 7, as some write it."""

from __future__ import annotations

import re

_BOX = re.compile(r"\\(?:boxed|fbox)(?:\s*\{|\s+(?P<bare>[^\s{}$.,;]+(?:\.\d+)?))")


def last_boxed(text: str) -> str | None:
    """The content of the last box; None if there is no box, or if it is not closed."""
    boxes = list(_BOX.finditer(text))
    if not boxes:
        return None
    if boxes[-1]["bare"]:
        return boxes[-1]["bare"]
    depth, start = 1, boxes[-1].end()
    at = start
    while at < len(text):
        if text[at] == "\\":  # an escaped brace, as in \{1, 2\}, does not nest
            at += 2
            continue
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if not depth:
            return text[start:at].strip()
        at += 1
    return None
