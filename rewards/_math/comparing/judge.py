"""Two answer texts, from the cheapest comparison to the dearest: text, numbers, choices, bases, structure, library.

Covered: most verdicts end at the first two steps, and nearly all before any library is imported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from rewards._math.algebra.tree import Unread
from rewards._math.comparing import library
from rewards._math.comparing.compare import same
from rewards._math.comparing.conventions import rounds_to, with_points
from rewards._math.reading import words
from rewards._math.reading.answer import read
from rewards._math.reading.clean import clean
from rewards._math.reading.cursor import decimal
from rewards._math.reading.lex import MAX_CHARACTERS
from rewards._math.reading.structures import Answer, Builder, Cases, Family, Group, Matrix, Relation, Union, Words

KINDS = {
    Words: "words",
    Group: "several values",
    Matrix: "a matrix",
    Relation: "a relation",
    Union: "a set",
    Builder: "a set",
    Cases: "cases",
    Family: "a family",
}
_NUMBER = re.compile(r"[+-]?\d{1,40}(?:\.\d{1,40})?")
_SIGNS = re.compile(r"\\\{\s{0,9}\\\}|[∅∞]")  # what says something without a letter or a digit
_INTEGRAL = re.compile(r"\+\s{0,9}[CcKk]\s{0,9}$")  # of integration: whatever it is called
_COEFFICIENT = re.compile(r"(?<![A-Za-z\\])[a-dkm-qA-DK](?![A-Za-z])")  # beside one, a letter at the end is one more
_ITEMS = re.compile(r"\s{0,9}(?:[,;\n]|\band\b)\s{0,9}")
_LETTERED = re.compile(r"(?:\\[a-z]+\s{0,9}\{)?\s{0,9}\(?[A-J]\)?\s{0,9}\}?")
_SPACE = re.compile(r"(?<!\d) | (?!\d)")  # but not between digits: `1 5` is not 15


def readable(gold: str) -> bool:
    """Whether a gold answer holds anything that could be compared."""
    return 0 < len(gold) <= MAX_CHARACTERS and (any(c.isalnum() for c in gold) or bool(_SIGNS.search(gold)))


def reading(gold: str, *, decimal_comma: bool = False) -> str:
    """What a gold answer is taken for, which decides how responses are compared with it."""
    text = clean(with_points(gold) if decimal_comma else gold)
    if _NUMBER.fullmatch(text):
        return "a number"
    if words.choice(text, expected=True) and _LETTERED.fullmatch(text):
        return "a choice"
    try:
        answers = read(text)
    except (Unread, RecursionError):
        answers = ()
    if not answers or (_unread(answers[0]) and "\\" in text):
        return "text that only math-verify reads" if library.may_read(text) else "text alone"
    return KINDS.get(type(answers[0]), "an expression")


def judge(gold: str, given: str, tolerance: float = 0.0, *, rounded: bool = False, decimal_comma: bool = False) -> str:
    """By which path a given answer is the gold one; empty where it is not."""
    if len(gold) > MAX_CHARACTERS or len(given) > MAX_CHARACTERS:
        return ""
    if decimal_comma:
        gold, given = with_points(gold), with_points(given)
    a, b = clean(gold), clean(given)
    try:
        if found := _judged(a, b, tolerance) or (rounds_to(a, b) if rounded else ""):
            return found
        if _INTEGRAL.search(a) and _INTEGRAL.search(b) and not _COEFFICIENT.search(_INTEGRAL.sub("", a)):
            return _judged(_INTEGRAL.sub("+C", a), _INTEGRAL.sub("+C", b), tolerance)
    except RecursionError:  # hundreds of functions of functions
        pass
    return ""


def _judged(a: str, b: str, tolerance: float) -> str:
    if a and _tight(a) == _tight(b):
        return "the same text"
    if _NUMBER.fullmatch(a) and _NUMBER.fullmatch(b) and not tolerance:
        return "exact numbers" if decimal(a) == decimal(b) else ""
    if (parts := words.labelled(a)) or words.labelled(b):
        return _parts(parts, words.labelled(b), b if parts else a, tolerance)
    if (found := words.choice(a, expected=True)) and (_LETTERED.fullmatch(a) or found[1]):
        return _choices(found, b, tolerance)
    if (several := words.letters(a)) and several == words.letters(b) and "," in a + b:
        return "the same choices"
    if shares := words.ratio(a):
        return _ratios(shares, b, shares == words.ratio(a, clock=False))
    if base := words.based(a):
        return _bases(base, b)
    if (other := words.based(b)) and _NUMBER.fullmatch(a):
        return "a number in another base" if int(other[0], other[1]) == decimal(a) else ""
    return _structures(a, b, tolerance)


def _tight(text: str) -> str:
    return _SPACE.sub("", " ".join(text.split()))


def _parts(gold: Mapping[str, str], given: Mapping[str, str], bare: str, tolerance: float) -> str:
    """By label where both sides have labels, else in order."""
    if gold and given:
        pairs = [(part, given.get(label, "")) for label, part in gold.items()]
        fits = gold.keys() == given.keys()
    else:
        items = _ITEMS.split(bare)
        labelled = [part for _, part in sorted((gold or given).items())]
        pairs = list(zip(labelled, items, strict=False) if gold else zip(items, labelled, strict=False))
        fits = len(items) == len(labelled)
    return "part by part" if fits and all(_judged(a, b, tolerance) for a, b in pairs) else ""


def _choices(gold: tuple[str, str], given: str, tolerance: float) -> str:
    found = words.choice(given)
    if found:
        return "the same choice" if found[0] == gold[0] else ""
    return _structures(gold[1], given, tolerance) if gold[1] else ""


def _ratios(gold: Sequence[int], given: str, reduced: bool) -> str:
    """`2:3` is `4:6`, and two thirds; `10:30` is only itself."""
    found = words.ratio(given, clock=not reduced)
    if found or len(gold) > 2 or not gold[-1]:
        return "the same ratio" if found and list(found) == list(gold) else ""
    return _structures("/".join(map(str, gold)), given, 0.0)


def _bases(gold: tuple[str, int], given: str) -> str:
    """The same value in any base, or the same digits where the base is left out."""
    other = words.based(given)
    if other:
        return "the same number" if int(*gold) == int(*other) else ""
    digits = re.sub(r"[\s,]", "", given).upper().lstrip("0")
    if digits == gold[0]:
        return "the same digits, base left out"
    return "a number in another base" if _NUMBER.fullmatch(given) and decimal(given) == int(*gold) else ""


def _structures(gold: str, given: str, tolerance: float) -> str:
    try:
        golds = read(gold)
    except Unread:
        golds = ()
    try:
        givens = read(given)
    except Unread:
        givens = ()
    for a in golds:
        for b in givens:
            found = same(a, b, tolerance)
            if found:
                return found
    if golds and givens and not _unread(golds[0]) and not _unread(givens[0]):
        return ""
    if words.plain(gold) == words.plain(given):
        return "the same text"
    return "math-verify" if library.agrees(gold, given) else ""


def _unread(answer: Answer) -> bool:
    return isinstance(answer, Words)
