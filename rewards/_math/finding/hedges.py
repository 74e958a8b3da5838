"""Words by which a response does not commit itself: `or 5`, `might be`, `maybe`; and whether two answers are one list or two tries.

Covered: English and Chinese, single words of German and French. What takes an answer back is in `retraction`. Not covered: irony.
"""

from __future__ import annotations

import re

NEAR = 90  # characters around an answer that may hedge it

_UNSURE = re.compile(
    r"\b(?:or|either|neither|not|no|isn't|aren't|never|maybe|perhaps|possibly|probably|guess|if|unless|suppose|assum\w{1,5}|might|could|would|may"
    r"|wrong|incorrect|false|oder|vielleicht|nicht|kein\w{0,2}|ou|peut-être|pas)\b|\?|或|可能|也许|不|没|如果|若|假设",
    re.IGNORECASE,
)
_GUESS = re.compile(r"\b(?:maybe|perhaps|possibly|either|guess|might|vielleicht|peut-être)\b|可能|也许", re.IGNORECASE)
_ALIKE = r"(?!\s{0,3}(?:equivalently|simply|just|in other words|about|approximately|\\?approx))"
# What may be done with an answer says nothing against it: "this may be verified".
_DONE = r"(?!\s{1,3}(?:[a-z]{2,20}ed|seen|written|given|taken|proven|shown|known|drawn|found|done)\b)"
_CLOSERS = " \t\n$()],;*"
_AFTER = re.compile(
    rf"^(?:or\b{_ALIKE}|或|还是|isn't|不对|不是|是错|oder\b|ou\b"
    r"|(?:is|are|was|seems?)\s{1,3}(?:not\b|wrong|incorrect|false|a guess))"
    rf"|(?<!\byou )(?<!\bone )\b(?:could|might|may)\s{{1,3}}(?:also\s{{1,3}}|instead\s{{1,3}})?be\b{_DONE}"
    r"|\balternatively\b,?\s{1,3}(?=[-$\d\\(]|(?:the|my)\s{1,3}(?:answer|result)\b|it (?:is|could|might)\b|[a-z]\s?=)"
    r"|\banother\s{1,3}(?:possible\s{1,3})?answer\b|(?:[\d$})]|\b(?:it|this|that|one))\s{1,3}(?:is|are|was|seems)\s{1,3}also\s{1,3}(?:a\s{1,3})?possible\b"
    r"|\b(?:not|un)\s{0,3}(?:entirely\s{1,3}|quite\s{1,3}|really\s{1,3})?(?:sure|certain)\b|也可能|或者|不确定",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"(?:\b(?:or|not|isn't|either|maybe|perhaps|possibly|oder|nicht|ou|pas)|(?:could|might|may)\s{1,3}(?:also\s{1,3})?be|不是|或者?|也许|可能是?)"
    r"[\s$(:]{0,9}(?:\\[(\[])?\s{0,9}$",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"\b(?:and|or|also|as well as|alternatively|either|maybe|perhaps|possibly|another|could|might|be|it|is|are|the|final|answer|answers"
    r"|so|possible|part|parts|case|solution|solutions|other|one|first|second|third|option|guess|my|attempt|try|possibility|text|boxed|for"
    r"|question|problem|[a-e]|i{1,3}|x|y|z)\b|\d|或者?|和|以及|答案|是|为|也|可能|还",
    re.IGNORECASE,
)
_HEDGE = re.compile(
    r"\b(?:or|alternatively|maybe|perhaps|possibly|either)\b|\b(?:could|might|may)\s{1,3}(?:also\s{1,3})?be\b|或|可能",
    re.IGNORECASE,
)
_LISTS = re.compile(r"[\s$),;\\]{0,9}(?:\b(?:and|while|und|et)\b|和|以及|而|(?<=[,;])\s|，)", re.IGNORECASE)
_CONCLUDES = re.compile(
    r"[.!?](?=\s)|\n\s{0,9}\n|[。！？]|=|\b(?:so|thus|therefore|hence|then|get|gives?|yields?|obtain|which|since|because|but|if|not|actually|after|from"
    r"|finally|leads?|means?|implies|checking|instead|that)\b|所以|因此|故|则|得",
    re.IGNORECASE,
)
_COMMAND = re.compile(r"\\[a-zA-Z]{1,30}")
_LETTER = re.compile(r"[^\W\d_]")


def hedge(text: str, start: int, end: int) -> str:
    """The words around text[start:end] that hedge it: `or` beside it, `might be` after it."""
    found = _BEFORE.search(text[max(0, start - NEAR) : start])
    return found[0].strip() if found else hedge_after(text, end)


def hedge_after(text: str, end: int) -> str:
    """The same, after it only."""
    found = _AFTER.search(_without_closers(text[end : end + NEAR]))
    return found[0].strip() if found else ""


def _without_closers(text: str) -> str:
    """A text without the signs that close a formula or a sentence at its start."""
    bare = text.lstrip(_CLOSERS + ".")
    return bare[2:].lstrip(_CLOSERS + ".") if bare.startswith((r"\)", r"\]")) else bare


def linked(between: str) -> bool:
    """Whether two answers are one list, or two tries: nothing, links, or `and the width is` stands between them."""
    if len(between) > NEAR:
        return False
    bare = _COMMAND.sub(" ", between)
    if not _LETTER.search(_LINK.sub(" ", bare)) or _HEDGE.search(bare):
        return True
    return bool(_LISTS.match(between)) and not _CONCLUDES.search(between)


def only_links(between: str) -> bool:
    """Whether nothing but links stands between two answers."""
    return len(between) <= NEAR and not _LETTER.search(_LINK.sub(" ", _COMMAND.sub(" ", between)))


def guesses(text: str) -> bool:
    """Whether a text has a word such as `maybe`."""
    return bool(_GUESS.search(text))


def unsure(text: str) -> bool:
    """Whether a text has a word by which it commits to nothing."""
    return bool(_UNSURE.search(text))
