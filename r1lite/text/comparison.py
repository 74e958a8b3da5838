"""Texts in a form that can be compared: the question of a problem, and the normalised words of a text."""

from __future__ import annotations

import re
import unicodedata

from r1lite.types import Problem, Span

# Scripts without spaces are split into characters, all others into words.
_WORD = re.compile(r"[\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\W\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")


def question(problem: Problem) -> str:
    """The prompt as one text."""
    prompt = problem.prompt
    return prompt if isinstance(prompt, str) else "\n".join(str(m["content"]) for m in prompt)


def normalised_words(text: str) -> list[str]:
    """Words and numbers, without differences of case, width and invisible characters."""
    if text.isascii():  # normalisation would change nothing
        return _WORD.findall(text.casefold())
    text = unicodedata.normalize("NFKC", text).casefold()
    invisible = {ord(c): None for c in set(text) if unicodedata.category(c) == "Cf"}
    return _WORD.findall(text.translate(invisible) if invisible else text)


def word_spans(text: str) -> list[Span]:
    """The positions of the words and numbers in the text as it is written."""
    return list(map(re.Match.span, _WORD.finditer(text)))
