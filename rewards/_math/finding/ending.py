"""The answer of a response without a box, a block or a phrase: its last formula, all of it, or what its last sentence states.

Covered: displayed formulas over several lines, a formula or a value on the last line, `so there are 12 ways`, `total: 12`,
`42 is the number of days`. A sentence with two values of which none stands at its end, and one with a hedge, state nothing. Not
covered: an answer before the last sentence, apart from closing courtesies.
"""

from __future__ import annotations

import re

from rewards._math.finding import hedges, passing, phrases
from rewards._math.finding.retraction import retraction
from rewards._math.reading.lex import MAX_CHARACTERS

MAX_SHORT = 160  # characters of a response that may be nothing but its answer
MAX_COURTESIES = 3
MAX_LINES = 3  # of words before a last line that is a formula, that are looked at for a retraction

_CLOSING = " \t\n.,;。*∎□■✓"
_ENVIRONMENT_END = re.compile(r"\\end\{([a-z]{1,20}\*?)\}$")
_QED = re.compile(r"(?:\\(?:qed|blacksquare|square|Box|checkmark)|\bq\.?e\.?d\.?)$", re.IGNORECASE)
_INLINE = re.compile(r"\$([^$]{1,300})\$|\\\(((?:[^\\]|\\[^()]){1,300})\\\)")
_COURTESY = re.compile(
    r"(?:i )?(?:hope|trust) (?:this|that|it)|let me know|feel free"
    r"|(?:thank|thanks|cheers|good luck|done|great|happy to|enjoy|if you (?:have|need|want))\b"
    r"|(?:this|that) (?:is|completes|concludes)(?: the| our| my)? ?(?:final|solution|proof|correct|right|all|it\b|done)|希望|如有|祝",
    re.IGNORECASE,
)
_DENIES = re.compile(r"\b(?:is|are|was|were)(?: not|n['’]t)\b|\bist nicht\b|\bn['’]est pas\b|不是", re.IGNORECASE)
_CELL = re.compile(r"\|\s{0,9}\**(?:final )?(?:answer|result|答案)\**\s{0,9}\|([^|]{1,300})\|", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?](?:(?=[\s*\"”')]|$)|\${1,2}(?=\s))|[\n。！？]")


def last_words(text: str) -> tuple[str, tuple[str, ...]]:
    """Where the answer at the end of a response stands, and the ways to cut it out; no way where there is none."""
    text = _without_courtesies(text[-4 * MAX_CHARACTERS :])
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return "", ()
    if shown := displayed(text):
        return "last formula", shown
    short = len(lines) == 1 and len(lines[0]) <= MAX_SHORT
    sentence = _last_sentence(lines[-1])
    alone = lines[-1].startswith("|") or sentence == lines[0].strip(" .。*_!")
    if not alone and (back := retraction(f". {sentence}", 0)) and not back.value:  # takes back what was said before it
        return "", ()
    value = lines[-1].strip(" *_#.") if len(lines[-1]) <= MAX_SHORT and _only_a_value(lines[-1]) else ""
    yes_or_no = phrases.variants(sentence)[1:] if short else ()
    whole = lines[0] if short and not (_DENIES.search(lines[0]) and phrases.FORMULA.search(lines[0])) else ""
    texts = [whole, value, *_named(lines[-1]), *yes_or_no, *_stated(sentence, short=short)]
    return "whole response" if short else "last line", tuple(dict.fromkeys(t for t in texts if t))


def displayed(text: str) -> tuple[str, ...]:
    """The displayed formula that a text ends in, or the formula that is all of its last line; empty where there is none."""
    bare = _QED.sub("", text[-4 * MAX_CHARACTERS :].rstrip(_CLOSING)).rstrip(_CLOSING)
    if bare.endswith("$$"):
        body = bare[bare.rfind("$$", 0, -2) + 2 : -2] if bare.count("$$") > 1 else ""
    elif bare.endswith(r"\]"):
        start = bare.rfind(r"\[")
        body = bare[start + 2 : -2] if start >= 0 else ""
    elif environment := _ENVIRONMENT_END.search(bare[-30:]):
        start = bare.rfind(f"\\begin{{{environment[1]}}}")
        body = bare[start:] if start >= 0 else ""
    else:
        line = bare[bare.rfind("\n") + 1 :].strip(" *_")
        found = _INLINE.fullmatch(line)
        body = str(found[1] or found[2]) if found else ""
    body = body.strip().rstrip(".,;")
    return (body,) if body else ()


def _without_courtesies(text: str) -> str:
    """A text without `I hope this helps!` at its end."""
    for _ in range(MAX_COURTESIES):
        bare = text.rstrip(_CLOSING + "!")
        ends = list(_SENTENCE_END.finditer(bare[-400:]))
        start = len(bare[:-400]) + ends[-1].end() if ends else 0
        if not start or not _COURTESY.match(bare[start:].lstrip(" *_")):
            break
        text = bare[:start]
    return text


def _last_sentence(line: str) -> str:
    bare = line[-400:].rstrip(" .。*_!")
    ends = list(_SENTENCE_END.finditer(bare))
    return bare[ends[-1].end() :].strip() if ends else bare


def _named(line: str) -> tuple[str, ...]:
    """What a last line calls the answer: `x + 1 is the answer`, or the cell beside `Answer`."""
    if len(line) > 2 * MAX_SHORT:
        return ()
    cell = _CELL.fullmatch(line)
    named = cell[1].strip() if cell else phrases.subject(line.strip(" .*_"))
    return phrases.variants(named) if named and not hedges.guesses(named) else ()


def _only_a_value(line: str) -> bool:
    rest = passing.VALUE.sub(" ", line, count=1)
    return rest != line and not re.search(r"[^\W_]", rest)


def _stated(sentence: str, *, short: bool) -> list[str]:
    """What a sentence says that something is, and the one value in it."""
    if short and "=" in sentence:
        return []
    texts = [phrases.contrasted(sentence)]
    ends = list(phrases.CONCLUSION.finditer(sentence))
    if ends and not hedges.guesses(sentence[: ends[-1].start()]):
        texts += phrases.variants(sentence[ends[-1].end() :])
    texts.append(phrases.stated(sentence))
    return [*texts, passing.only_value(sentence)]
