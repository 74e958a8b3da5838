"""Answers that are words: plain text, number words, choices, numbers in another base.

Covered: letter case, articles, punctuation and wrappers around text; one to ninety-nine and small Chinese numerals;
`B`, `(B)`, `B. 42`, `Option B`; `1011_2`. Not covered: synonyms, spelling, word order.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction

from rewards._math.lex import TEXT

_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen".split()
_ONES += "fifteen sixteen seventeen eighteen nineteen".split()
_TENS = {word: 10 * n for n, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)}
_NUMBERS = {word: n for n, word in enumerate(_ONES)} | _TENS | {"hundred": 100, "half": Fraction(1, 2), "十": 10}
_NUMBERS |= {c: n for n, c in enumerate("零一二三四五六七八九")} | {"两": 2}
_WRAPPER = re.compile(rf"\\(?:{'|'.join(sorted(TEXT))})(?![A-Za-z])")
_DROPPED = re.compile(r"[{}$*_`\"“”‘’']|\\(?=[,;:! ])")
_EDGE = " .,;:!?。，；：！？"
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{2}|[\u4e00-\u9fff]")
_STOP = re.compile(r"(?<![.,;:])[.,;:]$")
_NONE = frozenset(
    {
        "no solution",
        "no solutions",
        "none",
        "no real solution",
        "no real solutions",
        "empty set",
        r"\emptyset",
        "无解",
        "空集",
        "does not exist",
    }
)
_SAME = {"dne": "does not exist", "doesn t exist": "does not exist", "doesnt exist": "does not exist"}

_CHOICE = re.compile(
    r"(?:(?:i\s+(?:choose|pick|select)|option|choice|answer|选项|选)\s*:?\s*)*[\(\[（]?\s*([A-Ja-j])\s*"
    r"(?:[)\]）]|(?=[.:、,]|\s*$|\s+is\s+(?:the\s+)?(?:correct|right|answer)\b))\s*[.:、,]?\s*(.*)",
    re.IGNORECASE | re.DOTALL,
)
_LETTERS = re.compile(r"[A-H](?:\s*(?:,|and|&|和|、|;)?\s*[A-H]){1,7}")
_RATIO = re.compile(r"(\d{1,9})\s*:\s*(\d{1,9})(?:\s*:\s*(\d{1,9}))?")
_OTHER_CHOICE = re.compile(r"(?:^|[\s(,])[A-J](?=[).:,\s]|$)|(?i:\b(?:or|not|wrong|incorrect|isn|either|maybe)\b|或|不)")
_BASED = re.compile(r"\(?([0-9A-Za-z]+)\)?_\{?\s*\(?(\d{1,2}|two|three|eight|ten|sixteen)\)?\s*\}?$")
_BASE_NAMES = {"two": 2, "three": 3, "eight": 8, "ten": 10, "sixteen": 16}


def plain(text: str) -> str:
    """Words without wrappers, case, articles and outer punctuation. Without a word, a sign such as `!` or `'` says something."""
    text = _WRAPPER.sub("", text)
    if not _WORD.search(text):
        return _STOP.sub("", re.sub(r"\s+", " ", text.casefold()).strip())
    text = _DROPPED.sub(" ", text) if "\\" not in text else text
    text = re.sub(r"\s+", " ", text.casefold()).strip(_EDGE)
    text = re.sub(r"^(?:the|an?) (?=\w\w)", "", re.sub(r"\s*([,;])\s*", r"\1 ", text))
    return _SAME.get(text, text)


def empty(text: str) -> bool:
    """Whether the words say that there is no solution."""
    return text in _NONE


def number_word(text: str) -> Fraction | None:
    """`twenty-five` is 25; None for anything else."""
    if text in _NUMBERS:
        return Fraction(_NUMBERS[text])
    tens, _, ones = text.replace(" ", "-").partition("-")
    if tens in _TENS and 0 < _NUMBERS.get(ones, 0) < 10:
        return Fraction(_TENS[tens] + _NUMBERS[ones])
    return None


def choice(text: str, *, expected: bool = False) -> tuple[str, str] | None:
    """The letter of a multiple-choice answer and the text after it; None where it is not one, or names two.

    expected: of a gold answer, in which a comma after a letter separates items: `(a,b)`, `i, -i`
    """
    text = _WRAPPER.sub("", text).replace("{", "").replace("}", "").strip().rstrip(".")
    found = _CHOICE.fullmatch(text)
    if not found or _OTHER_CHOICE.search(found[2]) or (expected and text[found.end(1) :].lstrip()[:1] in (",", "、")):
        return None
    return found[1].upper(), found[2].strip()


def letters(text: str) -> frozenset[str]:
    """The letters of an answer that names several choices: `A, C`, `AC`. Empty where it is none."""
    text = _WRAPPER.sub("", text).replace("{", "").replace("}", "").strip()
    return frozenset(re.sub(r"[^A-H]", "", text)) if _LETTERS.fullmatch(text) else frozenset()


def ratio(text: str) -> tuple[int, ...] | None:
    """The parts of `2:3`, in lowest terms. `10:30` is a time of day as well, and stays as it is."""
    found = _RATIO.fullmatch(text)
    if not found:
        return None
    parts = [int(p) for p in found.groups() if p is not None]
    clock = len(parts) == 2 and len(found[2]) == 2 and parts[0] < 25 and parts[1] < 60
    divisor = 1 if clock else math.gcd(*parts) or 1
    return tuple(p // divisor for p in parts)


def based(text: str) -> tuple[str, int] | None:
    """Digits and base of `1011_2`; None where it is not such a number."""
    found = _BASED.match(re.sub(r"\s", "", _WRAPPER.sub("", text)).replace("_{{", "_{").replace("}}", "}"))
    if not found or not any(c.isdigit() for c in found[1] + found[2]):
        return None
    base = _BASE_NAMES.get(found[2]) or int(found[2])
    digits = found[1].upper()
    if not 2 <= base <= 36 or len(digits) > 200 or any(int(c, 36) >= base for c in digits) or not (digits[0].isdigit() or base > 10):
        return None
    return digits.lstrip("0") or "0", base
