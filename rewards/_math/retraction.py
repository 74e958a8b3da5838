"""What a text says about an answer that it has just given: that it is wrong, that another value is right, or nothing.

Covered: English, Chinese, German and French; sentences about somebody else's answer (`one might think it is 8, but that is
wrong`), checks and their results (`wait, is this right? Yes.`). Only the first and the last sentences after the answer are
read, so that the cost is bounded. Not covered: irony; an answer that is refuted without being mentioned.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from rewards._math.languages import LANGUAGES, Language
from rewards._math.new_value import after_colon, corrected, value_of, without_markup

REACH = 2000  # characters after an answer, and at the end of the response, that are read
MAX_SENTENCES = 40
MAX_CHARACTERS = 240  # of a sentence
MAX_OPENERS = 6
NEAR = 3  # sentences after an answer in which `this is wrong` is about that answer

_SENTENCE_END = re.compile(r"[.!?](?=[\s*_$)\"”']|$)|[\n。！？；]|;(?=\s)")
_HAN = re.compile("[\u4e00-\u9fff]")
_HAN_CLAUSE = re.compile(r"[，,]")
_CLAUSE = re.compile(
    r"(?:,| [—–-])\s{0,3}(?=(?:so|but|and|because|which|however|it|this|that|the|i|my|no|wait|aber|doch|und|das|es|nein|mais|donc|non"
    r"|c'est)\b)",
    re.IGNORECASE,
)
_EDGE = ' \t\r*_>#"“”()[]$\\:：,，.-–—…~`|'
_GAP = re.compile(r"[\s,.:!…—–，：*_-]{0,12}")


class Retraction(NamedTuple):
    """`words` take the answer back; `value` is what they put in its place, if they name something."""

    words: str
    value: str = ""
    unless_confirmed: bool = False  # a second attempt, which may come to the same result


class _Sentence(NamedTuple):
    text: str
    asks: bool  # ends in a question mark


class _Place(NamedTuple):
    """What a clause needs to know of the text before it."""

    before: str  # the earlier clauses of its sentence
    claimed: str  # the answer
    turned: bool  # an opener such as `no` ended just before
    near: bool  # among the first sentences after the answer
    beside: bool  # right after the answer, which then is its subject: `\\boxed{5} is wrong`


def retraction(text: str, start: int, claimed: str = "", *, subject: bool = True) -> Retraction | None:
    """How text[start:] takes back the answer `claimed` that ends at `start`; None if it does not.

    subject: whether the answer is the subject of what follows directly
    """
    found: Retraction | None = None
    turned = False
    for at, sentence in enumerate(_sentences(text, start)):
        before = ""
        for clause in (_HAN_CLAUSE if _HAN.search(sentence.text) else _CLAUSE).split(sentence.text):
            if found and found.unless_confirmed and any(language.confirms.search(clause) for language in LANGUAGES):
                found = None
            place = _Place(before, claimed, turned, at < NEAR, subject and not at and not before)
            told, turned = _clause(clause.replace("’", "'").strip(_EDGE), place)
            before += f"{clause}, "
            if told and (told.value or (not found and not sentence.asks)):
                found = told
    return found


def _sentences(text: str, start: int) -> Iterator[_Sentence]:
    tail = text[start:] if len(text) - start <= 2 * REACH else f"{text[start : start + REACH]}\n{text[-REACH:]}"
    at = count = 0
    for end in _SENTENCE_END.finditer(f"{tail}\n"):
        sentence = tail[at : end.start()].strip(_EDGE)[:MAX_CHARACTERS]
        at = end.end()
        if sentence:
            yield _Sentence(sentence, end[0] in "?？")
            count += 1
        if count == MAX_SENTENCES:
            return


def _clause(clause: str, place: _Place) -> tuple[Retraction | None, bool]:
    """What one clause says, and whether it is an opener alone, such as `no`, that leads to what comes next."""
    for language in LANGUAGES:
        rest = _without_openers(clause, language)
        opener = clause[: len(clause) - len(rest)]
        turns = bool(language.turn.search(opener))
        if not rest and opener and language.act.match(opener.strip(_EDGE)):
            return Retraction(clause), True
        if not rest and turns:
            return None, True
        if rest and not language.others.search(place.before):
            told = _told(clause, rest, language, place, turns or place.turned)
            if told:
                return told, False
    return None, False


def _told(clause: str, rest: str, language: Language, place: _Place, turned: bool) -> Retraction | None:
    """What a clause says; `rest` is the clause without its openers."""
    if language.act.match(rest) or language.act.match(clause):
        return Retraction(clause, value_of(rest, language) or after_colon(rest))
    if language.again.match(rest):
        value = after_colon(rest)
        return Retraction(clause, value, not value)
    if place.near and (language.verdict.match(rest) or (place.beside and language.predicate.match(clause))):
        return Retraction(clause)
    if place.claimed and _denies(rest, place.claimed, language):
        return Retraction(clause)
    value = corrected(rest, language, place.claimed, turned)
    return Retraction(clause, value) if value else None


def _without_openers(clause: str, language: Language) -> str:
    at = 0
    for _ in range(MAX_OPENERS):
        found = language.opener.match(clause, at)
        gap = _GAP.match(clause, found.end()) if found else None
        if not gap:
            break
        at = gap.end()
        if clause[at : at + 1].isdigit() and clause[at - 1] == "-":  # `no, -8`: the sign of a number is no dash
            at -= 1
    return clause[at:]


def _denies(rest: str, claimed: str, language: Language) -> bool:
    """Whether a clause says `5 is wrong` or `not 5`, where 5 was the answer."""
    said, answer = without_markup(rest), without_markup(claimed)
    if not answer:
        return False
    for no in ("not", "不是"):
        if said.startswith(no + answer):
            following = said[len(no + answer) :]
            return not following[:1].isdigit() and not following.startswith(".")
    if not said.startswith(answer):
        return False
    end = next((at for at in range(1, len(rest) + 1) if without_markup(rest[:at]) == answer), len(rest))
    predicate = rest[end:].lstrip("$* )\\}")
    return bool(language.predicate.match(f" {predicate}") or language.predicate.match(predicate))
