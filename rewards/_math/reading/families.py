"""Answers that hold for every integer, or every real number: `\\frac{\\pi}{2} + n\\pi, n \\in \\mathbb{Z}`.

Covered: the letter and its domain in signs, in English and in Chinese words, unions over an index. Not covered: several letters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rewards._math.reading.lex import MAX_CHARACTERS, TEXT
from rewards._math.reading.structures import Answer, Family, Group, Relation, Words, name

_DOMAINS = {r"\mathbb{z}": "Z", r"\mathbb{n}": "N", r"\mathbb{r}": "R"}
_TEXT = re.compile(rf"\\(?:{'|'.join(sorted(TEXT))})\s{{0,9}}\{{([^{{}}]*)\}}")
_LEADS = r"(?:where|for|with|and|when|if|here|其中|any|all|some|every|each|an?|arbitrary)"
_KIND = r"(?:(?:an?|any|all|some|arbitrary)\s{{1,9}}){{0,3}}(?:integers?|整数|任意整数|(?P<{}>real(?:\s{{1,9}}numbers?)?|实数))"
_LETTER = r"(?P<{}>[A-Za-z])"
_TAIL = re.compile(
    rf"\A(?P<body>.{{0,{MAX_CHARACTERS}}}?)[\s,;:，(\[]{{0,9}}+(?:\\q?quad\s{{0,9}}+){{0,3}}+(?:{_LEADS}\s{{0,9}}+){{0,3}}"
    rf"(?:{_LETTER.format('a')}\s{{0,9}}\\in\s{{0,9}}(?:\\mathbb\s{{0,9}})?\{{?\s{{0,9}}(?P<domain>[ZNR])\s{{0,9}}\}}?\s{{0,9}}"
    rf"(?:[\^_]\s{{0,9}}\{{?\s{{0,9}}(?P<sign>[+*])\s{{0,9}}\}}?)?"
    rf"|{_LETTER.format('b')}\s{{0,9}}(?:is|are|be|为|是)?\s{{0,9}}{_KIND.format('real_b')}"
    rf"|{_KIND.format('real_c')}\s{{1,9}}{_LETTER.format('c')})[\s)\].,]{{0,9}}",
    re.DOTALL,
)
_ALONE = re.compile(r"(?<![A-Za-z\\])[A-Za-z](?![A-Za-z])")
_UNION = re.compile(
    r"\\bigcup_\{?\s{0,9}(?:(?P<a>[a-z])\s{0,9}=\s{0,9}-\\infty\s{0,9}\}?\s{0,9}\^\s{0,9}\{?\s{0,9}\+?\\infty"
    r"|(?P<b>[a-z])\s{0,9}\\in\s{0,9}\\mathbb\{Z\})\s{0,9}\}?(?P<body>.*)",
    re.DOTALL,
)


def declared(text: str) -> tuple[str, str, str] | None:
    """The answer, the letter and its domain, where a text ends in `n \\in \\mathbb{Z}` or the like."""
    if found := _UNION.fullmatch(text):
        return found["body"], found["a"] or found["b"], "Z"
    if r"\in" not in text and "real" not in text and "integer" not in text and "整数" not in text:
        return None
    found = _TAIL.fullmatch(_TEXT.sub(r" \1 ", text))
    if not found:
        return None
    letter = found["a"] or found["b"] or found["c"]
    body = found["body"].strip()
    if letter not in _ALONE.findall(body):
        return None
    domain = "R" if found["real_b"] or found["real_c"] else found["domain"] or "Z"
    return body, letter, domain + (found["sign"] or "").replace("*", "+")


def listed(items: Sequence[Answer]) -> Family | None:
    """The family that a list describes whose last item is `n \\in \\mathbb{Z}`."""
    last = items[-1] if items else None
    if not isinstance(last, Relation) or last.ops != ("in",) or not isinstance(last.sides[1], Words):
        return None
    domain, letter = _DOMAINS.get(last.sides[1].text, ""), name(last.sides[0])
    if not domain or not letter or len(items) < 2:
        return None
    body = items[0] if len(items) == 2 else Group("", "", tuple(items[:-1]))
    return Family(body, letter, domain)
