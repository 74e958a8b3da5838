"""Fenced blocks of Python in a response."""

from __future__ import annotations

import re

from r1lite.text.response import ANSWER, END_ANSWER, after_thought, last_answer

# Line by line and without backtracking: one expression over the whole text takes minutes for a page of fences that never close.
_OPENS = re.compile(r"[ \t]*+```[ \t]*+(?P<language>[\w+-]*+)[^`]*+")
_CLOSES = re.compile(r"[ \t]*+```[ \t]*+")
_BLOCK = re.compile(f"{ANSWER}|{END_ANSWER}")
PYTHON = {"", "py", "python", "python3"}


def python_blocks(text: str) -> list[str]:
    """A fence begins a line; the tag of the answer may stand before it in the same one."""
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
    """The program that a response answers with, or why there is none. Two programs in one answer are a hedge."""
    answer = last_answer(response)
    blocks = python_blocks(after_thought(response) or "" if answer is None else f"\n{answer}\n")
    if not blocks:
        return None, "no fenced Python block after the thought" if answer is None else "no fenced Python block in the answer"
    if answer is not None and len(blocks) > 1:
        return None, f"{len(blocks)} programs in one answer"
    return blocks[-1], ""
