r"""The last \boxed{...} of a worked solution, whatever braces stand in it."""

from __future__ import annotations

OPENS = ("\\boxed{", "\\fbox{")


def last_boxed(text: str) -> str | None:
    """What the last box holds; None where there is none, or where it is not closed."""
    start = max(text.rfind(word) + len(word) if word in text else -1 for word in OPENS)
    if start < 0:
        return None
    depth, at = 1, start
    while at < len(text):
        if text[at] == "\\":  # an escaped brace, as in \{1, 2\}, opens nothing
            at += 2
            continue
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if not depth:
            return text[start:at].strip()
        at += 1
    return None
