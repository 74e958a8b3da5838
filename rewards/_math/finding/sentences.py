"""The sentences after an answer, and their clauses.

Only the first and the last ones are read, so that the cost is bounded. Covered: English, Chinese, German and French.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

REACH = 2000  # characters after an answer, and at the end of the response, that are read
MAX_SENTENCES = 40
CLOSING = " \t\n$.*)]\\。"  # what may close an answer and the sentence around it
MAX_CHARACTERS = 240  # of a sentence

_SENTENCE_END = re.compile(r"[.!?](?=[\s*_$)\"”']|$)|[\n。！？；]|;(?=\s)")
_LEADING = re.compile(
    r"(?:[\s*_>#\"“”)\]:：,，.–—…~`|]|-(?=\s)|\\[)\]]|\$(?=[\s.,;:!?*)_]|$)){1,40}"
)  # what closes a formula or a quotation
_TRAILING = ' \t\r*_"“”:：,，.–—…~`|'


class Sentence(NamedTuple):
    text: str
    asks: bool  # ends in a question mark


def sentences(text: str, start: int) -> Iterator[Sentence]:
    """The first and the last sentences of text[start:]."""
    tail = text[start:] if len(text) - start <= 2 * REACH else f"{text[start : start + REACH]}\n{text[-REACH:]}"
    at = count = 0
    for end in _SENTENCE_END.finditer(f"{tail}\n"):
        sentence = trimmed(tail[at : end.start()][: 2 * MAX_CHARACTERS])[:MAX_CHARACTERS]
        at = end.end()
        if sentence:
            yield Sentence(sentence, end[0] in "?？")
            count += 1
        if count == MAX_SENTENCES:
            return


def trimmed(text: str) -> str:
    """A text without the signs around it, such as those that close a formula or a quotation."""
    closed = _LEADING.match(text)
    return text[closed.end() if closed else 0 :].rstrip(_TRAILING)
