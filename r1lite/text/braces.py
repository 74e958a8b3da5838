"""Braces in LaTeX."""

from __future__ import annotations


def braced(text: str, at: int) -> tuple[str, int]:
    """What stands in the braces that open at or after `at`, and where they end; all the rest where they never close."""
    while at < len(text) and text[at].isspace():
        at += 1
    if at >= len(text) or text[at] != "{":
        return "", at
    depth, start = 0, at + 1
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == "{":
            depth += 1
        elif text[at] == "}":
            depth -= 1
            if not depth:
                return text[start:at], at + 1
        at += 1
    return text[start:], len(text)
