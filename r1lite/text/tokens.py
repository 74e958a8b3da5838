"""A question as one text, and the words of a text as they are compared."""

from __future__ import annotations

import re
import unicodedata

from r1lite.types import Problem

# Writing without spaces goes character by character, everything else word by word.
_TOKEN = re.compile(r"[\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\W\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")


def question(problem: Problem) -> str:
    """The prompt as one text."""
    prompt = problem.prompt
    return prompt if isinstance(prompt, str) else "\n".join(str(m["content"]) for m in prompt)


def tokens(text: str) -> list[str]:
    """Words and numbers, whatever their case and width; invisible characters do not make a word a new one."""
    if text.isascii():  # where all that follows changes nothing
        return _TOKEN.findall(text.casefold())
    text = unicodedata.normalize("NFKC", text).casefold()
    return _TOKEN.findall("".join(c for c in text if unicodedata.category(c) != "Cf"))
