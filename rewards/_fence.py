"""Fenced blocks of Python in a response."""

from __future__ import annotations

import re

from r1lite.text.response import ANSWER, END_ANSWER, after_thought, last_answer

# Matched line by line and without backtracking: one pattern over the whole text takes minutes on a page of unclosed fences.
_OPENS = re.compile(r"[ \t]{0,60}+```[ \t]*+(?P<language>[\w+-]*+)[^`]*+")
_CLOSES = re.compile(r"[ \t]{0,60}+```[ \t]*+")
_BLOCK = re.compile(f"{ANSWER}|{END_ANSWER}")
PYTHON = {"", "py", "python", "python3"}


def python_blocks(text: str) -> list[str]:
    """The content of each fenced Python block. A fence begins a line, possibly after an answer tag."""
    blocks: list[str] = []
    opened: re.Match[str] | None = None
    code: list[str] = []
    for line in _BLOCK.sub("\n", text).split("\n"):
        if opened is None:
            opened, code = _OPENS.fullmatch(line), []
        elif _CLOSES.fullmatch(line):
            if opened["language"].casefold() in PYTHON:
                blocks.append("".join(code))
            opened = None
        else:
            code.append(f"{line}\n")
    return blocks


def program_of(response: str) -> tuple[str | None, str]:
    """The program in a response's answer, or None and the reason. Two programs in one answer are a hedge."""
    answer = last_answer(response)
    blocks = python_blocks(after_thought(response) or "" if answer is None else f"\n{answer}\n")
    if not blocks:
        return None, "no fenced Python block after the thought" if answer is None else "no fenced Python block in the answer"
    if answer is not None and len(blocks) > 1:
        return None, f"{len(blocks)} programs in one answer"
    return blocks[-1], ""
