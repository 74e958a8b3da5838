"""What a text says about an answer that it has just given: that it is wrong, that another value is right, or nothing.

Covered: English, Chinese, German and French; sentences about somebody else's answer (`one might think it is 8, but that is
wrong`), checks and their results (`wait, is this right? Yes.`). Only the first and the last sentences after the answer are
read, so that the cost is bounded. Not covered: irony; an answer that is refuted without being mentioned.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from rewards._math.finding.languages import LANGUAGES, Language
from rewards._math.finding.new_value import after_colon, corrected, named_last, value_of, without_markup
from rewards._math.finding.rival import rival
from rewards._math.finding.sentences import clauses, sentences, trimmed, without_openers

NEAR = 3  # sentences after an answer in which `this is wrong` is about that answer

_DIGIT = re.compile(r"\d")
_ALL_THE_SAME = re.compile(
    r"\b(?:but|aber|mais)\b.{0,30}\b(?:right|correct|true|fine|richtig|korrekt|correcte?|juste)\b|但.{0,9}(?:正确|对)", re.IGNORECASE
)
_DENIAL = re.compile(r"(?:not|n'?t ?be|n't|cannot ?be|不是|不等于|不为|nicht|pas)$", re.IGNORECASE)
_LEFT_OPEN = re.compile(
    r"\W{0,9}+(?:(?:actually|hm{1,9}|oh|wait|well|but|ach|mais|ah)[\s,]{1,3}){0,3}(?:no|nope|wrong|wait|nein|falsch|non|faux|不|不对)\W{0,9}+$",
    re.IGNORECASE,
)
_FIRST_PERSON = re.compile(r"\b(?:i|we|my|our|ich|wir|je|on|nous)\b|我", re.IGNORECASE)
_CHECKING = re.compile(r"\b(?:verify|check|confirm|sure|see|prüf\w{0,3}|vérifi\w{0,3})\b|验|检查|确认", re.IGNORECASE)


class Retraction(NamedTuple):
    """`words` take the answer back; `value` is what they put in its place, if they name something."""

    words: str
    value: str = ""
    unless_confirmed: bool = False  # a second attempt, which may come to the same result


class _Place(NamedTuple):
    """What a clause needs to know of the text before it."""

    sentence: str
    before: str  # the earlier clauses of the sentence
    claimed: str  # the answer
    turned: bool  # an opener such as `no` ended just before
    near: bool  # among the first sentences after the answer
    beside: bool  # right after the answer, which then is its subject: `\\boxed{5} is wrong`


def retraction(text: str, start: int, claimed: str = "", *, subject: bool = True) -> Retraction | None:
    """How text[start:] takes back the answer `claimed` that ends at `start`; None if it does not.

    subject: whether the answer is the subject of what follows directly
    """
    found: Retraction | None = None
    denied = None  # a last word such as `actually no`
    asked = False
    turn = -2  # the last sentence with an opener such as `no`: what it leads to may come in the next
    for at, sentence in enumerate(sentences(text, start)):
        before = ""
        for clause in clauses(sentence.text):
            if found and found.unless_confirmed and any(language.confirms.search(clause) for language in LANGUAGES):
                found = None
            place = _Place(sentence.text, before, claimed, at - turn < 2, at < NEAR, subject and not at and not before)
            told, turns = _clause(trimmed(clause.replace("’", "'")), place)
            if sentence.asks or _CHECKING.search(clause):
                turn = -2
            elif turns:
                turn = at
            before += f"{clause}, "
            if told and (told.value or (not found and not sentence.asks)):
                found = told
            denied = _LEFT_OPEN.match(clause) if not asked else None
        asked = sentence.asks
    return Retraction(denied[0].strip()) if denied and not found else found


def _clause(clause: str, place: _Place) -> tuple[Retraction | None, bool]:
    """What one clause says, and whether it is an opener alone, such as `no`, that leads to what comes next."""
    for language in LANGUAGES:
        rest = without_openers(clause, language)
        opener = clause[: len(clause) - len(rest)]
        turns = bool(language.turn.search(opener))
        if not rest and opener and language.act.match(trimmed(opener)):
            return Retraction(clause), True
        if not rest and turns:
            return None, True
        if rest:
            turned = turns or place.turned
            about_others = language.others.search(place.before)
            told = None if about_others else _told(clause, rest, language, place, turned)
            if told := told or _in_passing(clause, rest, language, place, turned):
                return told, False
    return None, any(language.turn.search(clause[: len(clause) - len(without_openers(clause, language))]) for language in LANGUAGES)


def _told(clause: str, rest: str, language: Language, place: _Place, turned: bool) -> Retraction | None:
    """What a clause says; `rest` is the clause without its openers."""
    if language.act.match(rest) or language.act.match(clause):
        return Retraction(clause, value_of(rest, language) or after_colon(rest))
    if language.again.match(rest):
        value = after_colon(rest)
        return Retraction(clause, value, not value)
    about_another = _about_another(place.before, place.claimed)
    if place.near and not about_another and (language.verdict.match(rest) or (place.beside and language.predicate.match(clause))):
        return Retraction(clause)
    if place.claimed and _denies(rest, place.claimed, language):
        return Retraction(clause)
    value = corrected(rest, language, place.claimed, turned)
    return Retraction(clause, value) if value else None


def _in_passing(clause: str, rest: str, language: Language, place: _Place, turned: bool) -> Retraction | None:
    """A mistake that a clause admits, or another value that it gives, in whatever words."""
    scope = rest if turned else place.sentence  # after `wait`, only the clause itself can be about something else
    if not place.near or language.others.search(scope):
        return None
    if _admits(clause, place, language):
        return Retraction(clause, named_last(clause))
    value = rival(rest, scope, language) if place.claimed and not _CHECKING.search(place.sentence) else ""
    return Retraction(clause, value) if value else None


def _admits(clause: str, place: _Place, language: Language) -> bool:
    """Whether a clause speaks of a mistake or a change of mind of its own: `I got the sign wrong`, `the work above has an error`."""
    fault = language.fault.search(clause)
    if not fault or not language.owner.search(clause) or _ALL_THE_SAME.search(place.sentence):
        return False
    head = clause[: fault.start()]
    about_another = _DIGIT.search(head) and without_markup(place.claimed) not in without_markup(head)
    return not about_another and not language.denied.search(head[-60:])


def _about_another(before: str, claimed: str) -> bool:
    """Whether `it` is about another value that the sentence has just named: `since 8 is even, it cannot work`."""
    named = _DIGIT.search(before) and without_markup(claimed) not in without_markup(before)
    return bool(named) and not _FIRST_PERSON.search(before)


def _denies(rest: str, claimed: str, language: Language) -> bool:
    """Whether a clause says `5 is wrong` or `not 5`, where 5 was the answer."""
    said, answer = without_markup(rest), without_markup(claimed)
    if not answer:
        return False
    at = said.find(answer)
    following = said[at + len(answer) :]
    if at > 0 and _DENIAL.search(said[:at]) and not following[:1].isalnum() and not (following.startswith(".") and len(following) > 1):
        return True
    if not said.startswith(answer):
        return False
    end = next((at for at in range(1, len(rest) + 1) if without_markup(rest[:at]) == answer), len(rest))
    predicate = rest[end:].lstrip("$* )\\}")
    return bool(language.predicate.match(f" {predicate}") or language.predicate.match(predicate))
