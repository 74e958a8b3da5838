"""The boxes of a text: `\\boxed{...}` and `\\fbox{...}`, one list where several answer several questions.

Several boxes are one list where only links stand between them (`and`, a comma, `and the width is`), or where each has a label
of its own before it: `for part (a) \\boxed{3} and for part (b) \\boxed{5}` is `(a) 3 (b) 5`; or a name. Otherwise the last box counts. In a
gold answer every box counts: without labels, boxes that are joined by more than links are taken in order.
"""

from __future__ import annotations

import itertools
import re
from typing import NamedTuple

from r1lite.text.braces import braced
from rewards._math.comparing.judge import judge
from rewards._math.finding import hedges
from rewards._math.reading.lex import MAX_CHARACTERS

MAX_BOXES = 12
NAME_REACH = 20  # characters before a box in which its name is looked for
LABEL_REACH = 200  # characters before a box in which its label is looked for

_BOX = re.compile(r"\\(?:boxed|fbox)\s{0,9}(?:(?=\{)|(?<=\s)(?=[\w$\\-]))")
_LABEL = re.compile(
    r"(?:\b(?:part|question|sub-?part|problem)\s{1,3}\(?(?P<part>[a-h1-9]|i{1,3}|iv|v)\b\)?"
    r"|(?:^|[\n:;.,。；，]|\band|\bfor|\bin|\*\*|和)\s{0,3}[(（](?P<bracket>[a-h1-9]|i{1,3}|iv|v)[)）]"
    r"|(?:^|\n)\s{0,3}\**(?P<line>[a-h])[).])",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?:^|[\s$(,;:])([A-Za-z](?:_\{?\w{1,9}\}?|'{1,3})?)\s{0,3}=\s{0,3}\$?$")
_SERIES = ("abcdefgh", "123456789", ("i", "ii", "iii", "iv", "v"))


class Box(NamedTuple):
    """A box: where it starts and ends in its text, and what it holds."""

    start: int
    end: int
    body: str


class Boxed(NamedTuple):
    """The answer that the boxes of a text give together, and where they stand."""

    source: str
    bodies: tuple[str, ...]
    text: str  # the bodies as one answer
    start: int
    end: int


def boxes(text: str) -> list[Box]:
    """The last outermost boxes of a text."""
    found: list[Box] = []
    for match in list(_BOX.finditer(text))[-MAX_BOXES:]:
        start, inner = match.span()
        if found and start < found[-1].end:
            continue
        if text[inner] == "{":
            body, end = braced(text[: inner + MAX_CHARACTERS], inner)
            body = body if end - inner == len(body) + 2 else ""  # a box that never closes holds no answer
        else:
            body = text[inner : inner + MAX_CHARACTERS].split(maxsplit=1)[0].rstrip("$.,")
            end = inner + len(body)
        found.append(Box(start, end, body.strip()))
    return found


def claimed(text: str) -> Boxed | None:
    """What the boxes of a response claim; None without a box."""
    found = boxes(text)
    if not found:
        return None
    if labels := _labels(text, found):
        return _joined(found, labels)
    if names := _names(text, found):
        return _joined([box._replace(body=f"{name} = {box.body}") for name, box in zip(names, found, strict=True)])
    first = len(found) - 1
    while first and hedges.linked(text[found[first - 1].end : found[first].start]):
        first -= 1
    return _joined(found[first:])


def expected(text: str) -> str:
    """What the boxes of a gold answer say, all of them; empty without a box."""
    found = boxes(text)
    if not found:
        return ""
    if labels := _labels(text, found):
        return _joined(found, labels).text
    links = [text[a.end : b.start] for a, b in itertools.pairwise(found)]
    distinct = [box for at, box in enumerate(found) if not any(judge(before.body, box.body) for before in found[:at])]
    in_order = len(distinct) > 1 and not all(map(hedges.only_links, links))
    return _joined(distinct, [str(n) for n in range(1, len(distinct) + 1)] if in_order else None).text


def _joined(found: list[Box], labels: list[str] | None = None) -> Boxed:
    bodies = tuple(dict.fromkeys(b.body for b in found))
    if labels:
        text = " ".join(f"({label}) {box.body}" for label, box in zip(labels, found, strict=True))
        return Boxed(f"{len(found)} labelled boxes", (text,), text, found[0].start, found[-1].end)
    source = "box" if len(bodies) == 1 else f"{len(bodies)} boxes in a row"
    return Boxed(source, bodies, " , ".join(bodies), found[0].start, found[-1].end)


def _labels(text: str, found: list[Box]) -> list[str]:
    """The labels of boxes that all have one of their own, in any order but without a gap; else empty."""
    if len(found) < 2:
        return []
    labels: list[str] = []
    for before, box in zip([Box(0, 0, ""), *found], found, strict=False):
        near = list(_LABEL.finditer(text[max(before.end, box.start - LABEL_REACH) : box.start]))
        if not near:
            return []
        label = near[-1]
        labels.append((label["part"] or label["bracket"] or label["line"]).lower())
    known = any(sorted(labels) == sorted(series[: len(labels)]) for series in _SERIES)
    return labels if known else []


def _names(text: str, found: list[Box]) -> list[str]:
    """The names of several boxes that all have one of their own, and links between them (`x = ... and y = ...`); else empty."""
    starts = [0, *(box.end for box in found)]
    between = [text[max(start, box.start - NAME_REACH) : box.start] for start, box in zip(starts, found, strict=False)]
    names = [name for part in between if (name := _NAME.search(part))]
    if not len(names) == len(found) == len({name[1] for name in names}) > 1:
        return []
    links = (text[a.end : b.start - len(name[0])] for (a, b), name in zip(itertools.pairwise(found), names[1:], strict=True))
    return [name[1] for name in names] if all(map(hedges.only_links, links)) else []
