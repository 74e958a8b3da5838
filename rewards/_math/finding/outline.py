"""A sentence as a string of symbols, one for each word of a list, each value, and each mark that separates.

`That's wrong, it is 8.` is `tef,ten`: the lists of words stand in `languages`, the symbols in `languages.language.KINDS`. Besides,
`c` is the answer that was claimed, `n` another value, `,` a mark that ends a clause. So one pattern of symbols serves all languages.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from rewards._math.finding.languages import CHINESE, EUROPEAN, Language
from rewards._math.finding.languages.language import OTHER
from rewards._math.reading.lex import MAX_CHARACTERS

CLAIMED, ANOTHER, NAMED = "c", "n", "E"
MAX_VALUE = 120  # characters

_NUMBER = r"(?:[-−+]?[$€£¥]?\\?\d{1,40}+(?:[.,{}]{1,3}\d{1,40}+){0,12}+(?:\s?\\?%|!|[a-z]\b)?+)"
_SIGN = r"\s?(?:[·×*/+−^:]|-(?=\s?[\da-z])|\\cdot|\\times)\s?"
_FORMULA = (
    rf"(?:{_NUMBER}|[a-z](?=\s?[-+*/·×^]\s?[\d(a-z]\b))(?:{_SIGN}(?:{_NUMBER}|[a-z]\b|\{{[^{{}}]{{1,9}}\}})){{0,12}}+"  # in plain text
)
_TOKEN = re.compile(
    rf"(?P<value>\$[^$\n]{{1,{MAX_VALUE}}}\$|\\\((?:[^\\\n]|\\[^()\n]){{1,{MAX_VALUE}}}\\\)|[-−]?\\(?:[dt]?frac|sqrt|pi|infty)\b\S{{0,60}}"
    rf"|{_FORMULA})"
    r"|(?P<word>[^\W\d_\u4e00-\u9fff]+)|(?P<han>[\u4e00-\u9fff])|(?P<mark>≠|\\neq?|[=,，;；:：()（）—–…!→~]|\.\.\.|\s-\s|->)"
)
_NOT = re.compile(r"n['’]t\b")
_SPACING = re.compile(r"\\(?:[ ,;:!]|q?quad\b)|~(?!~)(?<!~~)")
_SAME_MARK = {"，": ",", "；": ",", ";": ",", "：": ":", "（": "(", ")": "", "）": "", "—": ",", "–": ",", "…": ",", "...": ",", "!": ","}
_SAME_MARK |= {" - ": ",", "->": "=", "→": "=", "\\ne": "≠", "\\neq": "≠"}
_MARKUP = re.compile(r"\\(?:boxed|text|mathbf|textbf)\b|[\\{}$*_\s()]")
_DECIMAL = re.compile(r"-?\d{1,30}(?:\.\d{1,30})?(?:/\d{1,30})?")
_EQUATION = re.compile(
    r"[A-Za-z][^=A-Za-z]{0,9}[-+*/^][^=]{0,99}=|[-+*/^][^=A-Za-z]{0,9}[A-Za-z][^=]{0,99}=|^-?\d[\d.]{0,20}=[^=]{0,99}[A-Za-z]"
)
_PRODUCT = re.compile(r"\d{1,6}(?:[·×*]\d{1,6}){1,5}")
_DIGIT = re.compile(r"\d")
_RELATION = re.compile(r"\\(?:l|g)(?:e|t|eq|eqslant)\b|\\(?:equiv|in|sub|subset|subseteq|to|rightarrow|mid|cong|sim)\b|[<>≤≥≡∈]")
_COMMAND = re.compile(r"\\(?:text|mathrm|operatorname)\s?\{[^{}]*\}|\\[A-Za-z]+|\d[a-z]\b")
_LETTER = re.compile("[A-Za-z]")
_WORD = re.compile(r"[^\W\d_]{2,}")
_HAN = re.compile("[\u4e00-\u9fff]")


class Outline(NamedTuple):
    symbols: str
    texts: tuple[str, ...]  # of each symbol


def outline(sentence: str, claimed: frozenset[str]) -> Outline:
    """A sentence in symbols, in the language that knows most of its words."""
    if _HAN.search(sentence):
        return _read(sentence, CHINESE, claimed)
    return max((_read(sentence, language, claimed) for language in EUROPEAN), key=lambda found: _known(found.symbols))


def values(text: str) -> frozenset[str]:
    """The values of an answer, each as it is compared with others; words where it has none."""
    text = _SPACING.sub(" ", text[:MAX_CHARACTERS])
    if _EQUATION.search(_MARKUP.sub("", text)):
        return frozenset({bare(text)})
    found = [bare(m["value"]) for m in _TOKEN.finditer(text) if m["value"]]
    return frozenset(found or [bare(text).casefold()]) - {""}


def bare(value: str) -> str:
    """A value without markup: the last side of a chain, but all of an equation in unknowns."""
    text = _MARKUP.sub("", value[: 2 * MAX_VALUE]).replace("−", "-").rstrip(".,").removeprefix("+")
    if not _EQUATION.search(text):
        text = text.rpartition("=")[2].removeprefix("+")
    if _DECIMAL.fullmatch(text) and not text.endswith("/0"):
        top, _, bottom = text.partition("/")
        return str(Fraction(top) / Fraction(bottom or 1)) if not bottom or Fraction(bottom) else text
    if _PRODUCT.fullmatch(text):
        return str(math.prod(map(int, re.split("[·×*]", text))))
    return text


def _read(sentence: str, language: Language, claimed: frozenset[str]) -> Outline:
    text = _SPACING.sub(" ", _NOT.sub(" not", sentence) if language.spaced else sentence)
    symbols: list[str] = []
    texts: list[str] = []
    for kind, group in itertools.groupby(_TOKEN.finditer(text), key=lambda m: m.lastgroup):
        tokens = [m[0] for m in group]
        if kind == "value":
            found = [(_of_value(t, claimed), t) for t in tokens]
        elif kind == "mark":
            found = [(_SAME_MARK.get(t, t), t) for t in tokens]
        else:
            found = list(_words(tokens, language, claimed, kind == "han"))
        symbols += [symbol for symbol, _ in found if symbol]
        texts += [t for symbol, t in found if symbol]
    # `No, 8` denies what was said, `makes no sense` negates a word.
    symbols = ["x" if s == "j" and at and symbols[at - 1] not in "wvkjq,:(" else s for at, s in enumerate(symbols)]
    return Outline("".join(symbols), tuple(texts))


def _of_value(value: str, claimed: frozenset[str]) -> str:
    """A relation or a formula in letters is no rival of a number; one that gives a name to a value is one after a turn."""
    if bare(value) in claimed:
        return CLAIMED
    if not any(map(_DIGIT.search, claimed)) or any(map(_LETTER.search, map(_without_commands, claimed))):
        return ANOTHER
    if not _DIGIT.search(value) or _RELATION.search(value):
        return OTHER
    name, equals, side = _without_commands(value).rpartition("=")
    if _LETTER.search(side):
        return OTHER
    return NAMED if equals and _LETTER.search(name) else ANOTHER


def _without_commands(value: str) -> str:
    return _COMMAND.sub("", value)


def _words(tokens: list[str], language: Language, claimed: frozenset[str], han: bool) -> Iterator[tuple[str, str]]:
    """The symbols of a run of words; where words are the answer, a word is a value if it begins with a capital as the answer does."""
    if han == language.spaced:
        yield from ((OTHER, t) for t in tokens)
        return
    at = 0
    for symbol, taken in language.read([t.casefold() for t in tokens]):
        said = " ".join(tokens[at : at + taken])
        if said.casefold() in claimed and symbol == OTHER:
            symbol = CLAIMED
        elif symbol == OTHER and said.istitle() and claimed and all(map(_WORD.fullmatch, claimed)):
            symbol = ANOTHER
        yield symbol, said
        at += taken


def _known(symbols: str) -> int:
    return sum(c not in ".nc,:(=≠~" for c in symbols)
