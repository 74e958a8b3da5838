"""Answers that are words: plain text, choices, labelled parts, numbers in another base.

Covered: letter case, articles, punctuation and wrappers around text; `B`, `(B)`, `B. 42`, `Option B`; `(a) 3 (b) 4`; `1011_2`. Not covered:
synonyms, spelling, word order.
"""

from __future__ import annotations

import math
import re

from rewards._math.reading.lex import TEXT

_WRAPPER = re.compile(rf"\\(?:{'|'.join(sorted(TEXT))})(?![A-Za-z])")
_WRAPPED = re.compile(rf"\\(?:{'|'.join(sorted(TEXT))})\s{{0,9}}\{{([^{{}}]*)\}}")
_DROPPED = re.compile(r"[{}$*_`\"“”‘’']|\\(?=[,;:! ])")
_EDGE = " .,;:!?。，；：！？"
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{2}|[\u4e00-\u9fff]")
_STOP = re.compile(r"(?<![.,;:])[.,;:]$")
_NONE = re.compile(
    r"(?:there (?:is|are|exists?) )?no (?:such |real |possible |valid |integer )*(?:solutions?|roots?|values?|numbers?|x)(?: exists?)?"
    r"|none|empty set|\\emptyset|does not exist|(?:方程|原方程|不等式)?(?:无|没有)(?:实数)?(?:解|根|实根)|空集|解集为空集|不存在"
)
_CLOCK = re.compile(r"\b([ap])\.\s?m\b\.?", re.IGNORECASE)
_SAME = {"dne": "does not exist", "doesn t exist": "does not exist", "doesnt exist": "does not exist"}
_SAME |= dict.fromkeys(("infinite number of solutions", "infinite solutions", "infinitely many", "无穷多解"), "infinitely many solutions")

_CHOICE = re.compile(
    r"\A(?:(?:i\s{1,9}(?:choose|pick|select)|option|choice|answer|选项|选)\s{0,9}:?\s{0,9}){0,4}[\(\[（]?\s{0,9}([A-Ja-j])\s{0,9}"
    r"(?:[)\]）]|(?=[.:、,]|\s{0,9}$|\s{1,9}is\s{1,9}(?:the\s{1,9})?(?:correct|right|answer)\b))\s{0,9}[.:、,]?\s{0,9}(.*)",
    re.IGNORECASE | re.DOTALL,
)
_LETTERS = re.compile(r"[A-H](?:\s{0,9}(?:,|and|&|和|、|;)?\s{0,9}[A-H]){1,7}")
_RATIO = re.compile(r"(\d{1,9})\s{0,9}:\s{0,9}(\d{1,9})(?:\s{0,9}:\s{0,9}(\d{1,9}))?")
_OTHER_CHOICE = re.compile(r"(?:^|[\s(,])[A-J](?=[).:,\s]|$)|\([a-j]\)|(?i:\b(?:or|not|wrong|incorrect|isn|either|maybe)\b|或|不)")
_BASED = re.compile(r"\A[({]{0,4}([0-9A-Za-z]{1,200})[)}]{0,4}_\{?\s{0,9}\(?(\d{1,2}|two|three|eight|ten|sixteen)\)?\s{0,9}\}?$")
_PART = re.compile(r"(?:^|(?<=[\s,;.]))(?:part\s{1,9})?\(?([a-h]|[1-9]|i{1,3}|iv|v)\)[:.]?(?=[\s\\$]|\d)\s{0,9}", re.IGNORECASE)
_LABELS = ("abcdefgh", "123456789", ("i", "ii", "iii", "iv", "v"))
_IN_BASE = re.compile(r"^([0-9A-Za-z]{1,200})\s{0,9}\(?\s{0,9}(?:in\s{1,9})?base\s{0,9}(\d{1,2}|two|three|eight|ten|sixteen)\s{0,9}\)?$")
_BASE_NAMES = {"two": 2, "three": 3, "eight": 8, "ten": 10, "sixteen": 16}


def plain(text: str) -> str:
    """Words without wrappers, case, articles and outer punctuation. Without a word, a sign such as `!` or `'` says something."""
    text = _CLOCK.sub(r"\1m", _WRAPPER.sub("", text))
    if not _WORD.search(text):
        return _STOP.sub("", re.sub(r"\s+", " ", text.casefold()).strip())
    text = _DROPPED.sub(" ", text) if "\\" not in text else text
    text = re.sub(r"\s+", " ", text.casefold()).strip(_EDGE)
    text = re.sub(r"^(?:the|an?) (?=\w\w)", "", re.sub(r"\s{0,9}([,;])\s{0,9}", r"\1 ", text))
    return _SAME.get(text, text)


def empty(text: str) -> bool:
    """Whether the words say that there is no solution."""
    return bool(_NONE.fullmatch(text))


def choice(text: str, *, expected: bool = False) -> tuple[str, str] | None:
    """The letter of a multiple-choice answer and the text after it; None where it is not one, or names two.

    expected: of a gold answer, in which a comma after a letter separates items: `(a,b)`, `i, -i`
    """
    text = _WRAPPER.sub("", text).replace("{", "").replace("}", "").strip().rstrip(".")
    found = _CHOICE.fullmatch(text)
    if not found or _OTHER_CHOICE.search(found[2]) or (expected and text[found.end(1) :].lstrip()[:1] in (",", "、")):
        return None
    return found[1].upper(), found[2].strip()


def labelled(text: str) -> dict[str, str]:
    """The parts of an answer to several questions, by label: `(a) 3 (b) 4`. Empty where it is none."""
    text = _WRAPPED.sub(r"\1", text)
    found = list(_PART.finditer(text))
    labels = [m[1].lower() for m in found]
    if len(found) < 2 or found[0].start() or not any(sorted(labels) == sorted(known[: len(labels)]) for known in _LABELS):
        return {}
    ends = [*(m.start() for m in found[1:]), len(text)]
    parts = {label: text[m.end() : end].strip(" ,;.\n") for label, m, end in zip(labels, found, ends, strict=True)}
    return parts if all(any(c.isalnum() for c in part) for part in parts.values()) else {}


def letters(text: str) -> frozenset[str]:
    """The letters of an answer that names several choices: `A, C`, `AC`. Empty where it is none."""
    text = _WRAPPER.sub("", text).replace("{", "").replace("}", "").strip()
    return frozenset(re.sub(r"[^A-H]", "", text)) if _LETTERS.fullmatch(text) else frozenset()


def ratio(text: str, *, clock: bool = True) -> tuple[int, ...] | None:
    """The parts of `2:3`, in lowest terms. With `clock`, `10:30` may be a time of day, and stays as it is."""
    found = _RATIO.fullmatch(text.strip("{} "))
    if not found:
        return None
    parts = [int(p) for p in found.groups() if p is not None]
    time = clock and len(parts) == 2 and len(found[2]) == 2 and parts[0] < 25 and parts[1] < 60
    divisor = 1 if time else math.gcd(*parts) or 1
    return tuple(p // divisor for p in parts)


def based(text: str) -> tuple[str, int] | None:
    """Digits and base of `1011_2`; None where it is not such a number."""
    text = _IN_BASE.sub(r"\1_\2", _WRAPPED.sub(r"\1", text))
    found = _BASED.match(re.sub(r"\s", "", _WRAPPER.sub("", text)).replace("_{{", "_{").replace("}}", "}"))
    if not found or not any(c.isdigit() for c in found[1] + found[2]):
        return None
    base = _BASE_NAMES.get(found[2]) or int(found[2])
    digits = found[1].upper()
    if not 2 <= base <= 36 or len(digits) > 200 or any(int(c, 36) >= base for c in digits) or not (digits[0].isdigit() or base > 10):
        return None
    return digits.lstrip("0") or "0", base
