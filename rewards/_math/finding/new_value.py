"""The value that a clause puts in the place of an answer: `it should be 8`, `no, 8`, `correction: 8`.

Covered: numbers, formulas, single words where the answer was a word. A sentence is no value, nor is an equation between
numbers, which is a check. Not covered: a value in more than a few words.
"""

from __future__ import annotations

import re

from rewards._math.finding.languages import Language

MAX_VALUE = 80  # characters
MAX_WORDS = 3

_EXPLANATION = re.compile(
    r"(?:[,;，]| \()?\s{0,3}(?:\b(?:not|instead|as my|rather|because|since|as|so|then|of course|weil|denn|statt|nicht|car|pas)\b"
    r"|因为|而不是|不是)",
    re.IGNORECASE,
)
_WORD = re.compile(r"(?<![\\A-Za-z])[^\W\d_]{2,}")
_SENTENCE = re.compile(
    r"\b(?:is|are|was|has|have|does|do|can|cannot|gives|would|should|must|than|of|for|to|in|that|ist|est|nicht|pas|als|que)\b|[是为的能]",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"[-−+$€£¥(\[{\\\d]|[A-Za-z]\w?\s{0,3}=|(?:about|approximately|exactly|option|choice|part|约|大约)\b|[零一二三四五六七八九十百]",
    re.IGNORECASE,
)
_LEADS = re.compile(r"\b(?:to|so|is|are|as|be|ist|auf|est|en)\b|[:：为是]")
_NAMED_AFTER = re.compile(
    r"(?:i (?:now )?(?:think|believe) )?(?P<value>\S.{0,24}?) (?:is|must be|should be) (?:actually |really )?"
    r"the (?:correct |right |real |actual )?(?:answer|value|result)$",
    re.IGNORECASE,
)
_CHECK = re.compile(r"\d\s{0,3}=")
_ASSIGNMENT = re.compile(r"(?:[A-Za-z]\w{0,9}|\([a-z]\))\s{0,3}[:=]")
_MARKUP = re.compile(r"\\(?:boxed|text|mathbf|textbf)\b|[\\{}$*_\s]")


def corrected(clause: str, language: Language, claimed: str, turned: bool) -> str:
    """The new value of a clause without openers; empty if it names none.

    turned: whether an opener such as `no` or `wait` came before
    """
    restated = language.restates.match(clause)
    if restated:
        return _value(clause[restated.end() :], claimed)
    if not turned:
        return ""
    after = _NAMED_AFTER.match(clause)
    return _value(after["value"], claimed) if after else value_of(clause, language, claimed)


def value_of(clause: str, language: Language, claimed: str = "") -> str:
    """The value that a clause names, after `it is` or on its own."""
    lead = language.leads.match(clause)
    return _value(clause[lead.end() :] if lead else clause, claimed)


def after_colon(clause: str) -> str:
    head, _, tail = clause.replace("：", ":").partition(":")
    return _value(tail) if head else ""


def named_last(clause: str) -> str:
    """The value at the end of a clause, after `to`, `so` and the like."""
    ends = list(_LEADS.finditer(clause))
    return _value(clause[ends[-1].end() :]) if ends else ""


def without_markup(text: str) -> str:
    """A text without white space, dollar signs, braces and asterisks, cut at twice the length of a value."""
    return _MARKUP.sub("", text[: 2 * MAX_VALUE])


def _value(text: str, claimed: str = "") -> str:
    """A text that may be an answer, without its explanation; empty if it is a sentence."""
    text = text.strip(" :：,，*_")[: 2 * MAX_VALUE]
    explanation = _EXPLANATION.search(text)
    text = (text[: explanation.start()] if explanation else text).strip(" .,;:!，。*_")
    bare = text.strip("$() ")
    if not bare or len(text) > MAX_VALUE or _SENTENCE.search(text) or (_CHECK.search(text) and not _ASSIGNMENT.match(bare)):
        return ""
    words = len(_WORD.findall(text))
    if any(c.isdigit() for c in text):
        return text if words <= MAX_WORDS and _VALUE.match(text) else ""
    instead_of_word = bool(claimed) and not any(c.isdigit() or c == "\\" for c in claimed)
    if instead_of_word or text[0] in "\\$" or len(bare) == 1:
        return text if words < MAX_WORDS else ""
    return text if words == 1 and text[0].isupper() else ""
