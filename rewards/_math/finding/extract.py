"""What a response claims to be the answer, in its own words, and whether it hedges the claim or takes it back.

Looked at in this order, after the thought: every answer block and the last box; what stands after `####`, `the answer is`,
答案是 and the like; a displayed formula at the end, a short response as a whole, or what the last sentence states. Every
claim has to be right. A claim that is taken back is not paid; if another value is put in its place, that one is the claim.
Covered: nested braces, boxes and blocks that contradict each other, `or` before or after a box, labelled boxes. Not covered:
an answer that is only given in the middle of the text, hedges in other languages than English and Chinese.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from r1lite.text.response import ANSWER, END_ANSWER, END_THINK, THINK, last_answer
from rewards._math.finding import boxes, ending, hedges, phrases
from rewards._math.finding.preparation import prepared
from rewards._math.finding.retraction import Retraction, retraction

MAX_BLOCKS = 12
MAX_PHRASES = 12

_PRAISE = re.compile(  # `the answer is positive` does not say which it is
    r"(?:(?:also|indeed|therefore|thus) )?"
    r"(?:correct|right|verified|confirmed|reasonable|consistent|valid|positive|negative|even|odd|prime|unique|rational|irrational|this|that"
    r"|(?:as |the )?(?:given |shown |boxed )?above|正确|对|这个?|如上)的?(?:[.!。！]?$|[,;，；].*)",
    re.IGNORECASE | re.DOTALL,
)
# `a wrong answer is 8` claims nothing.
_FOREIGN = re.compile(
    r"(?:\b(?:wrong|incorrect|false|naive|common|frequent|other|another|first|earlier|previous|original|initial|student[’']s|falsche|fausse|mauvaise"
    r"|check(?:ing)?|verify(?:ing)?)|错误的?)\s{0,3}$",
    re.IGNORECASE,
)
# Beside an answer, `if the die had eight sides, the answer would be 56` claims nothing.
_UNREAL = re.compile(
    r"[.!?\n]\s(?:if|had|without|were|wenn|falls|ohne|si|sans)\b(?:[^.!?\n]|\.\d){1,150}"
    r"\b(?:would|wäre|würde|serait|aurait)\b(?:[^.!?\n]|\.\d){1,150}|[。\n](?:如果|若|假如)[^\n。]{1,150}",
    re.IGNORECASE,
)
_MAY_BE_FACTORIAL = re.compile(r"(?:[\d)]|(?<![A-Za-z])[A-Za-z])$")
_CORRECTION = re.compile(r"\b(?:but|however|actually|instead|rather|not|wrong|no|aber|nein|mais|non)\b|但|不", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that a response says is the answer."""

    source: str
    texts: tuple[str, ...]  # ways to cut it out; one of them has to be right
    against: str = ""  # why it is not paid even if it is right: `hedged by 'or'`, `taken back by 'That is wrong'`
    each: tuple[str, ...] = ()  # or all of these, which say the same in several forms


def claims(response: str) -> list[Claim]:
    """Everything that a response claims; each has to be right. Empty where it claims nothing."""
    if THINK in response and END_THINK not in response:
        return []
    text = prepared(response.rsplit(END_THINK, 1)[-1])
    found, rest = _blocks(text)
    return [*found, *_outside(rest, bool(found))]


def gold(answer: str) -> str:
    """The answer in a gold text that may be a whole solution: after `####`, in its boxes, or the first word of `Yes, because ...`."""
    head, mark, tail = answer.rpartition("####")
    if mark and tail.strip():
        return tail.strip()
    return boxes.expected(head + mark + tail) or phrases.yes_or_no(answer) or answer.strip()


def _blocks(text: str) -> tuple[list[Claim], str]:
    """The claims of all answer blocks, and the text outside them."""
    last = last_answer(text)
    if last is None:
        return [], text
    bodies, rest = _split_blocks(text)
    after = text.rfind(END_ANSWER) + len(END_ANSWER)
    unique = dict.fromkeys([*bodies[-MAX_BLOCKS:], last])
    against = _against(hedges.hedge_after(text, after), retraction(text, after, last))
    return [_inner(body, against) for body in unique], rest


def _split_blocks(text: str) -> tuple[list[str], str]:
    """The contents of all answer blocks, and the text without them. Of several opening tags the last one opens the block."""
    bodies: list[str] = []
    rest: list[str] = []
    *closed, tail = text.split(END_ANSWER)
    for part in closed:
        before, opening, body = part.rpartition(ANSWER)
        if opening:
            bodies.append(body.strip())
        rest.append(before if opening else part + END_ANSWER)
    return bodies, " ".join([*rest, tail])


def _inner(body: str, against: str) -> Claim:
    """The claim of an answer block: its boxes or its phrase, where it has one, else all of it."""
    bare = body[:-1] if body.endswith(".") and not body.endswith("..") else body
    inside = _boxed(body) or _phrased(body) or [Claim("", (*phrases.variants(bare), *ending.displayed(body)))]
    return Claim("answer block", inside[0].texts, inside[0].against or against, inside[0].each)


def _outside(text: str, beside_block: bool) -> list[Claim]:
    found = _boxed(text)
    if found or beside_block:
        return found
    if found := _phrased(text):
        return found
    source, texts = ending.last_words(text)
    return [Claim(source, texts)] if texts else []


def _boxed(text: str) -> list[Claim]:
    found = boxes.claimed(text)
    if not found:
        return []
    hedge = hedges.hedge(text, found.start, found.end)
    back = retraction(text, found.end, found.bodies[-1])
    said = [] if hedge else _without_praise(_phrased(_UNREAL.sub("\n", text[found.end :])))
    if back and said:
        return said  # the last word
    if back and back.value and not hedge:
        return [_corrected(back)]
    each = found.bodies if len(found.bodies) > 1 else ()
    return [Claim(found.source, (found.text,), _against(hedge, back), each), *said]


def _corrected(back: Retraction) -> Claim:
    return Claim("correction", phrases.variants(back.value))


def _against(hedge: str, back: Retraction | None) -> str:
    if hedge:
        return f"hedged by {hedge!r}"
    return f"taken back by {back.words!r}" if back else ""


def _without_praise(said: list[Claim]) -> list[Claim]:
    """Beside an answer, `this answer is correct` claims nothing."""
    return [claim for claim in said if not _PRAISE.fullmatch(claim.texts[0])]


def _phrased(text: str) -> list[Claim]:
    """What stands after the last `the answer is`; after each of several, where nothing comes between them."""
    found = [phrase for phrase in phrases.PHRASE.finditer(text) if not _FOREIGN.search(text[max(0, phrase.start() - 20) : phrase.start()])]
    found = found[-MAX_PHRASES:]
    praised = [phrase for phrase in found if _PRAISE.fullmatch(phrases.sentence(text, phrase.end())[0])]
    found = [phrase for phrase in found if phrase not in praised] or found
    told: list[Claim] = []
    for at, phrase in reversed(list(enumerate(found))):
        body, end = phrases.sentence(text, phrase.end())
        if not body or (not told and at and phrase.start() < found[at - 1].end()):
            continue
        hedge = hedges.hedge_after(text, end)
        back = None if told else retraction(text, end, body)
        if back and back.value and not hedge:
            return [_corrected(back)]
        factorial = (f"{body}!",) if text[end : end + 1] == "!" and _MAY_BE_FACTORIAL.search(body) else ()
        told.append(Claim("phrase", (*phrases.variants(body), *factorial), _against(hedge, back)))
        if not at or _apart(text, found[at - 1].end(), phrase.start()):
            break
    return told


def _apart(text: str, start: int, stop: int) -> bool:
    """Whether the phrase that starts at `stop` corrects the one that ends at `start`, or comes long after it."""
    end = phrases.sentence(text, start)[1]
    if end > stop:
        return bool(_CORRECTION.search(text[start:stop]))
    return text[end:stop].strip(" .。\n*$#").casefold().removesuffix("the").strip() not in ("", "so", "or", "and", "also")
