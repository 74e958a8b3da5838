"""Braces in LaTeX."""

from __future__ import annotations


def braced(text: str, at: int) -> tuple[str, int]:
    """The content of the braces that open at `at` (after white space), and where they end; the rest of the text if they never close."""
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
