"""Numbers in words, English and Chinese.

Covered: `one hundred and five`, `three-fourths`, `two and a half`, `minus seven`, `a dozen`; 三千零五, 负三, 两点五, 三分之一,
百分之二十 (as a percentage), with a measure word behind (八个). Not covered: ordinals, formal Chinese numerals.
"""

from __future__ import annotations

import re
from fractions import Fraction

_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen".split()
_ONES += "fifteen sixteen seventeen eighteen nineteen".split()
_SMALL = {word: n for n, word in enumerate(_ONES)}
_TENS = {word: 10 * n for n, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)}
_LARGE = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_PARTS = "half third quarter fourth fifth sixth seventh eighth ninth tenth".split()
_SHARES = dict(zip(_PARTS, (2, 3, 4, 4, 5, 6, 7, 8, 9, 10), strict=True)) | {"hundredth": 100, "thousandth": 1000}
_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_POWERS = {"十": 10, "百": 100, "千": 1000}
_CHINESE = re.compile("[零〇一二两三四五六七八九十百千万亿点负分之]+")
_MEASURE = re.compile("(?:个|只|人|种|名|条|张|本|次|组|对|位|件|块|棵|元|天|年|岁|米|厘米|千米|克|千克|小时|分钟|秒|度)$")


def number_word(text: str) -> Fraction | None:
    """The value of a number in words; None for anything else."""
    if not text.isascii():
        return _chinese(_MEASURE.sub("", text))
    words = text.lower().replace("-", " ").split()
    if not words or len(words) > 16:
        return None
    sign = -1 if words[0] in ("minus", "negative") else 1
    found = _english(words[1:] if sign < 0 else words)
    return None if found is None else sign * found


def percentage(text: str) -> Fraction | None:
    """20 for 百分之二十."""
    return _chinese(text.removeprefix("百分之")) if text.startswith("百分之") else None


def _english(words: list[str]) -> Fraction | None:
    if words[-3:] == ["and", "a", "half"] and len(words) > 3:
        whole = _whole(words[:-3])
        return None if whole is None else whole + Fraction(1, 2)
    if words[-1:] == ["dozen"] and len(words) < 3:
        count = 1 if words[:-1] in ([], ["a"]) else _whole(words[:-1])
        return None if count is None else Fraction(12 * count)
    share = _SHARES.get(words[-1], _SHARES.get(words[-1].removesuffix("s"), 2 if words[-1] == "halves" else 0)) if words else 0
    if not share:
        whole = _whole(words)
        return None if whole is None else Fraction(whole)
    top = 1 if words[:-1] == ["a"] or words == ["half"] else _whole(words[:-1])
    return None if top is None else Fraction(top, share)


def _whole(words: list[str]) -> int | None:
    """`two thousand three hundred and five`."""
    words = ["one", *words[1:]] if words[:1] == ["a"] and len(words) > 1 else words
    total, group, last = 0, 0, 10**15  # of the number, of its last three digits, the last power of a thousand
    before = ""
    for word in words:
        if word in _SMALL and (before in ("", "hundred", "and", *_LARGE) or (before in _TENS and 0 < _SMALL[word] < 10)):
            group += _SMALL[word]
        elif word in _TENS and before in ("", "hundred", "and", *_LARGE):
            group += _TENS[word]
        elif word == "hundred" and 0 < group < 100 and before != "and":
            group *= 100
        elif word in _LARGE and group and _LARGE[word] < last:
            total, group, last = total + group * _LARGE[word], 0, _LARGE[word]
        elif word != "and" or before not in ("hundred", *_LARGE):
            return None
        before = word
    return None if before in ("", "and") else total + group


def _chinese(text: str) -> Fraction | None:
    if not text or len(text) > 20 or not _CHINESE.fullmatch(text):
        return None
    if text[0] == "负":
        found = _chinese(text[1:])
        return None if found is None else -found
    bottom, share, top = text.partition("分之")
    if share:
        a, b = _chinese(top), _chinese(bottom)
        return a / b if a is not None and b else None
    whole, point, digits = text.partition("点")
    value = _section(whole)
    if value is None or (point and (not digits or any(c not in _DIGITS for c in digits))):
        return None
    return value + (Fraction(int("".join(str(_DIGITS[c]) for c in digits)), 10 ** len(digits)) if point else 0)


def _section(text: str) -> Fraction | None:
    """A whole number, split at its largest power: 三千零五, 一万二千."""
    for sign, size in (("亿", 10**8), ("万", 10**4)):
        if sign in text:
            head, _, tail = text.partition(sign)
            a, b = _section(head), _section(tail) if tail else Fraction(0)
            return a * size + b if a and b is not None and b < size else None
    total, digit, last = 0, -1, 10_000
    for c in text:
        if c in _DIGITS and digit <= 0:
            digit = _DIGITS[c]
        elif c in _POWERS and _POWERS[c] < last and digit != 0:
            total, digit, last = total + _POWERS[c] * (digit if digit > 0 else 1), -1, _POWERS[c]
        else:
            return None
    return Fraction(total + max(digit, 0)) if text else None
