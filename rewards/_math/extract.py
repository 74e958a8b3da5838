"""What a response claims to be the answer, in its own words, and whether it takes the claim back.

Looked at in this order, after the thought: every answer block and the last box, or what stands after `####`, `the answer
is`, 答案是 and the like, or a short response as a whole, or the conclusion of the last line. Several boxes in a row are
one list; a correction in between ("but after checking") leaves the last. Every claim has to be right.
Covered: nested braces, boxes and blocks that contradict each other, "or" before or after a box. Not covered: an answer
that is only said in the middle of the text, hedges in other languages than English and Chinese.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from r1lite.text.braces import braced
from r1lite.text.response import ANSWER, END_ANSWER, END_THINK, THINK, last_answer
from rewards._math import phrases
from rewards._math.lex import MAX_CHARACTERS

MAX_BOXES = 12
MAX_SHORT = 160  # characters of a response that may be nothing but its answer

_BOX = re.compile(r"\\(?:boxed|fbox)\s*(?=\{)|\\(?:boxed|fbox)\s+(?=[\w$\\-])")
_BLOCK = re.compile(rf"{ANSWER}((?:(?!{ANSWER}).)*?){END_ANSWER}", re.DOTALL)
_BLANKS = re.compile(r"\s{8,}")  # a page of them would cost every pattern below its square

_PRAISE = re.compile(
    r"(?:(?:also|indeed|therefore|thus) )?(?:correct|right|verified|confirmed|reasonable|consistent|valid|正确|对)的?[.!。！]?",
    re.IGNORECASE,
)
_CORRECTION = re.compile(r"\b(?:but|however|actually|instead|rather|not|wrong|no)\b|但|不", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that a response says is the answer."""

    source: str
    texts: tuple[str, ...]  # ways to cut it out; one of them has to be right
    hedge: str = ""  # the words that take it back
    each: tuple[str, ...] = ()  # or all of these, which say the same in several forms


def claims(response: str) -> list[Claim]:
    """Everything that a response claims; each has to be right. Empty where it claims nothing."""
    if THINK in response and END_THINK not in response:
        return []
    text = _BLANKS.sub(lambda m: "\n\n" if "\n" in m[0] else "  ", response.rsplit(END_THINK, 1)[-1])
    found = _blocks(text)
    rest = _BLOCK.sub(" ", text) if found else text
    return [*found, *_outside(rest, bool(found))]


def gold(answer: str) -> str:
    """The answer in a gold text that may be a whole solution: after `####`, or in its last box."""
    head, mark, tail = answer.rpartition("####")
    if mark and tail.strip():
        return tail.strip()
    boxes = _boxes(head + mark + tail)
    return boxes[-1][2] if boxes else answer.strip()


def _blocks(text: str) -> list[Claim]:
    last = last_answer(text)
    if last is None:
        return []
    bodies = dict.fromkeys([*(b.strip() for b in _BLOCK.findall(text)[-MAX_BOXES:]), last])
    taken_back = phrases.hedge_after(text, text.rfind(END_ANSWER) + len(END_ANSWER))
    return [_inner(body, taken_back) for body in bodies]


def _inner(body: str, taken_back: str) -> Claim:
    """The claim of an answer block: its box or its phrase, where it has one, else all of it."""
    inside = _boxed(body) or _phrased(body) or [Claim("", phrases.variants(body))]
    return Claim("answer block", inside[0].texts, inside[0].hedge or taken_back)


def _outside(text: str, beside_block: bool) -> list[Claim]:
    found = _boxed(text)
    if found or beside_block:
        return found
    return _phrased(text) or _whole(text)


def _boxes(text: str) -> list[tuple[int, int, str]]:
    """Start, end and content of the last outermost boxes."""
    starts = [(m.start(), m.end()) for m in _BOX.finditer(text)][-MAX_BOXES:]
    boxes: list[tuple[int, int, str]] = []
    for start, inner in starts:
        if boxes and start < boxes[-1][1]:
            continue
        if text[inner] == "{":
            body, end = braced(text[: inner + MAX_CHARACTERS], inner)
            body = body if end - inner == len(body) + 2 else ""  # a box that never closes holds no answer
        else:
            body = text[inner:].split(maxsplit=1)[0].rstrip("$.,")
            end = inner + len(body)
        boxes.append((start, end, body.strip()))
    return boxes


def _boxed(text: str) -> list[Claim]:
    boxes = _boxes(text)
    if not boxes:
        return []
    first = len(boxes) - 1
    while first and phrases.linked(text[boxes[first - 1][1] : boxes[first][0]]):
        first -= 1
    start, end = boxes[first][0], boxes[-1][1]
    bodies = list(dict.fromkeys(b[2] for b in boxes[first:]))
    hedge = phrases.hedge(text, start, end)
    said = _phrased(text[end:]) if not hedge else []
    if len(bodies) == 1:
        return [Claim("box", (bodies[0],), hedge), *_without_praise(said)]
    return [Claim(f"{len(bodies)} boxes in a row", (" , ".join(bodies),), hedge, each=tuple(bodies)), *_without_praise(said)]


def _without_praise(said: list[Claim]) -> list[Claim]:
    """Beside an answer, `this answer is correct` claims nothing."""
    return [claim for claim in said if not _PRAISE.fullmatch(claim.texts[0])]


def _phrased(text: str) -> list[Claim]:
    """What stands after the last `the answer is`; after each of several, where nothing comes between them."""
    found = list(phrases.PHRASE.finditer(text))[-MAX_BOXES:]
    praised = [phrase for phrase in found if _PRAISE.fullmatch(phrases.sentence(text, phrase.end())[0])]
    found = [phrase for phrase in found if phrase not in praised] or found
    told: list[Claim] = []
    for at, phrase in reversed(list(enumerate(found))):
        body, end = phrases.sentence(text, phrase.end())
        if not body or (not told and at and phrase.start() < found[at - 1].end()):
            continue
        told.append(Claim("phrase", phrases.variants(body), phrases.hedge_after(text, end)))
        if not at or _apart(text, found[at - 1].end(), phrase.start()):
            break
    return told


def _apart(text: str, start: int, stop: int) -> bool:
    """Whether the phrase that starts at `stop` corrects the one that ends at `start`, or comes long after it."""
    end = phrases.sentence(text, start)[1]
    if end > stop:
        return bool(_CORRECTION.search(text[start:stop]))
    return text[end:stop].strip(" .。\n*$#").casefold().removesuffix("the").strip() not in ("", "so", "or", "and", "also")


def _whole(text: str) -> list[Claim]:
    """A short response as a whole, and what its last line comes to."""
    lines = [line.strip() for line in text[-4 * MAX_CHARACTERS :].splitlines() if line.strip()]
    if not lines:
        return []
    short = len(lines) == 1 and len(lines[0]) <= MAX_SHORT
    texts = [lines[0]] if short else []
    last = lines[-1].rstrip(".。 ")
    texts += [display] if (display := phrases.display(last)) else []
    ends = list(phrases.CONCLUSION.finditer(last[-400:]))
    if ends and not (short and "=" in last):
        texts.append(last[-400:][ends[-1].end() :])
    return [Claim("whole response" if short else "last line", tuple(dict.fromkeys(t for t in texts if t)))] if any(texts) else []
