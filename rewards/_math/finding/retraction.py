"""What a text says about an answer that it has just given: that it is wrong, that another value is right, or nothing.

A sentence is read as an outline of its words, and takes the answer back where the outline has one of a few shapes: it is withdrawn,
mended or called wrong; a mistake is admitted; another value stands in its place, which after a word such as `wait` may be any
result. Covered: English, Chinese, German and French; sentences about somebody else's answer, about what would be, or that confirm
the answer say nothing against it. Only the first and the last sentences after the answer are read, so that the cost is bounded.
Not covered: irony; an answer that is refuted without a word that says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rewards._math.finding import shapes
from rewards._math.finding.languages.language import OTHER
from rewards._math.finding.outline import ANOTHER, CLAIMED, NAMED, Outline, outline, values
from rewards._math.finding.sentences import CLOSING, REACH, sentences

NEAR = 3  # sentences after an answer in which `this is wrong` is about that answer
MEMORY = 2  # sentences for which a word such as `wait` is remembered


class Retraction(NamedTuple):
    """`words` take the answer back; `value` is what they put in its place, if they name something."""

    words: str
    value: str = ""


class _Before(NamedTuple):
    """What a sentence needs to know of those before it."""

    first: bool  # it is the first sentence after the answer
    near: bool  # it is among the first ones
    turned: bool  # one of the last had a word such as `wait`
    others: bool  # the last one was about somebody else


class _Clause(NamedTuple):
    """A clause, and what the words before it make of it."""

    start: int  # in the symbols of its sentence
    symbols: str
    own: str  # as far as it is not about somebody else
    turned: bool  # another value may be another answer
    unreal: bool  # it is about somebody else, or about what would be
    checking: bool
    about_another: bool  # `it` is another value
    label: str  # the clause before, if a colon ends it


def retraction(text: str, start: int, claimed: str = "") -> Retraction | None:
    """How text[start:] takes back the answer `claimed` that ends at `start`; None if it does not."""
    if not text[start : start + REACH].strip(CLOSING):
        return None
    found: Retraction | None = None
    answer = values(claimed)
    turned, others, asked, left_open = -MEMORY - 1, False, False, ""
    for at, sentence in enumerate(sentences(text, start)):
        outlined = outline(sentence.text, answer)
        symbols = outlined.symbols
        told = _told(outlined, _Before(at == 0, at < NEAR, at - turned <= MEMORY, others))
        restated = not sentence.asks and shapes.RESTATED.search(symbols) is not None
        if told is not None and not sentence.asks and not (told and restated):
            found = Retraction(sentence.text, told)
        elif found and (restated or (not found.value and shapes.CONFIRMS.search(symbols) and not shapes.OWN_SLIP.search(symbols))):
            found = None
        if _turns(symbols) or (at < NEAR and _blames(symbols)):
            turned = at
        left_open = "" if asked or not shapes.LEFT_OPEN.fullmatch(symbols) else sentence.text
        asked = sentence.asks
        others = "o" in symbols or (asked and ANOTHER in symbols and CLAIMED not in symbols)
    return found or (Retraction(left_open) if left_open else None)


def _told(outlined: Outline, before: _Before) -> str | None:
    """The value that a sentence puts in the place of the answer, empty if it only takes that back; None if it does neither."""
    symbols, texts = outlined
    if shapes.STRUCK_OUT.search(symbols) or shapes.WRONG_ALONE.fullmatch(symbols):
        return ""
    confirms = bool(shapes.CONFIRMS.search(symbols) or shapes.YET_RIGHT.search(symbols))
    for clause in _in_context(symbols, before):
        free = clause.turned and not confirms
        if not confirms and (shapes.AGAINST_IT.search(clause.own) or (free and shapes.NOT_IT.search(clause.own))):
            return ""
        if clause.unreal:
            continue
        place = _replaced(clause, any_result=free and not clause.checking and CLAIMED not in clause.symbols)
        if place is not None:
            return texts[clause.start + place]
        about_it = clause.symbols.replace("t", ".") if clause.about_another else clause.symbols
        if (before.near or clause.turned) and shapes.WITHDRAWN.search(about_it):
            return ""
        if not confirms and (
            _wrong(about_it, before.near) or (clause.start and symbols[0] in "tc" and shapes.ITS_FAULT.match(clause.symbols))
        ):
            return ""
        if free and ("z" in clause.symbols or (shapes.DOUBT.search(symbols) and shapes.ODD.search(about_it))):
            return ""
    return None


def _in_context(symbols: str, before: _Before) -> Iterator[_Clause]:
    turned, others = before.turned, before.others
    about_another, unreal, checking, label = others, False, False, ""
    for start, clause in _clauses(symbols):
        turned = turned or _turns(clause)
        clause = clause.replace(NAMED, ANOTHER if turned else OTHER)
        turned = turned or (before.first and shapes.HINT.search(clause) is not None)
        own = "" if others else clause.partition("o")[0]
        others = others or "o" in clause
        unreal = others or _unreal(clause, unreal)
        others = others or ("u" in clause and ANOTHER in clause and CLAIMED not in clause)
        checking = (checking or "p" in clause) and "j" not in clause
        yield _Clause(start, clause, own, turned, unreal, checking, about_another, "" if checking else label)
        turned = turned or (before.near and _blames(clause))
        about_another = about_another or (shapes.ABOUT_ANOTHER.search(clause) is not None and not (checking and "=n" not in clause))
        label = clause if symbols[start + len(clause) :][:1] == ":" else ""


def _unreal(clause: str, unreal: bool) -> bool:
    """Whether a clause is about what would be; `that would be wrong` is about the answer."""
    still = unreal and not shapes.FACTUAL.match(clause)
    return still or "u" in clause or ("U" in clause and clause[0] not in "tcvw")


def _wrong(clause: str, near: bool) -> bool:
    """Whether a clause admits a mistake, or, near the answer, says that something is wrong."""
    kinds = (shapes.OWN_SLIP, shapes.SLIP, shapes.MENDED, shapes.FAILED, shapes.WRONG, shapes.NOT_RIGHT, shapes.BREAKS)
    return any(kind.search(clause) for kind in (kinds if near else kinds[:1]))


def _replaced(clause: _Clause, *, any_result: bool) -> int | None:
    """Where in a clause the value stands that replaces the answer."""
    symbols = clause.symbols
    if symbols == ANOTHER and shapes.LABEL.search(clause.label) and ANOTHER not in clause.label:
        return 0
    found = shapes.REPLACED.search(symbols) or (shapes.RESULT.search(symbols) if any_result else None)
    return found and symbols.rindex(ANOTHER, 0, found.end())


def _turns(symbols: str) -> bool:
    """Whether another value after these words may be another answer: after `wait`, or a check that fails."""
    failed = "p" in symbols and "y" not in symbols and ("x" in symbols or "≠" in symbols)
    return failed or bool(shapes.TURN.search(symbols))


def _blames(symbols: str) -> bool:
    """Whether these words say that something is wrong, so that what comes next may be another answer."""
    return "f" in symbols or "b" in symbols


def _clauses(symbols: str) -> Iterator[tuple[int, str]]:
    """The clauses of a sentence without the marks between them, and where they start."""
    start = 0
    for mark in shapes.CLAUSE.finditer(symbols):
        if mark.start() > start:
            yield start, symbols[start : mark.start()]
        start = mark.end()
    if symbols[start:]:
        yield start, symbols[start:]
