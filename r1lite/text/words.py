"""Words, each with its script and a weight: writing without spaces is counted in words as well."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_HAN = r"\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003134f"
_KANA = r"\u3040-\u30ff\uff66-\uff9d"
_UNSPACED = rf"{_HAN}{_KANA}\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_WORD = re.compile(
    rf"(?P<han>[{_HAN}])|(?P<kana>[{_KANA}])|(?P<thai>[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])"
    rf"|(?P<spaced>[^\W\d_{_UNSPACED}](?:[^\W\d_{_UNSPACED}]|[\u0300-\u036f\u064b-\u065f\u0900-\u0dff'’])*)"
    r"|(?P<end>[.!?;:。！？；：\n]+)"
)
WEIGHTS = {"han": 0.6, "kana": 0.4, "thai": 0.2}  # about as many characters make one word
# Say nothing about a language: names of functions, units, and what mathematics is written with.
NEUTRAL = set("sin cos tan log ln exp max min mod gcd lcm sqrt cm mm km kg mg ml ok qed lhs rhs pi vs".split())


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """One word, or one character where words are not set apart."""

    text: str
    script: str  # "han", "kana", "LATIN", "CYRILLIC", ...; "mixed" where one word mixes two
    weight: float
    sentence: int


def words(text: str) -> list[Word]:
    """All words that a language can be told from: no single letters, no acronyms, no names of functions or units."""
    found: list[Word] = []
    sentence = 0
    for m in _WORD.finditer(unicodedata.normalize("NFKC", text)):
        kind, said = m.lastgroup, m[0]
        if kind == "end":
            sentence += 1
        elif kind == "spaced":
            said = said.strip("'’")
            if len(said) > 1 and said.casefold() not in NEUTRAL:
                found.append(Word(text=said, script=script(said), weight=1.0, sentence=sentence))
        elif kind:
            found.append(Word(text=said, script=kind, weight=WEIGHTS[kind], sentence=sentence))
    return [w for i, w in enumerate(found) if not _acronym(found, i)]


@lru_cache(maxsize=4096)
def script(word: str) -> str:
    """The one script of a word's letters; "mixed" for look-alikes, such as a Cyrillic letter in a Latin word."""
    names = {unicodedata.name(c, "?").split()[0] for c in word if c.isalpha()}
    return names.pop() if len(names) == 1 else "mixed"


def _acronym(found: list[Word], i: int) -> bool:
    """AB always, GCD where it is not a capital word among other capital words."""

    def capitals(k: int) -> bool:
        return 0 <= k < len(found) and found[k].script == "LATIN" and found[k].text.isupper() and found[k].sentence == found[i].sentence

    size = len(found[i].text)
    return capitals(i) and (size <= 2 or (size <= 5 and not (capitals(i - 1) or capitals(i + 1))))


def fresh(found: list[Word], asked: list[Word], span: int = 4) -> list[bool]:
    """Which words are said for the first time: not again, and not copied from the question, in runs of up to `span` words."""
    seen = set(_runs([*asked, *asked], span))  # twice, so that pasting it again and again says nothing new between
    new: list[bool] = []
    for run in _runs(found, span):
        new.append(run not in seen)
        seen.add(run)
    return new


def _runs(found: list[Word], span: int) -> list[tuple[str, ...]]:
    """The run that ends at each word."""
    said = [w.text.casefold() for w in found]
    return [tuple(said[max(0, i + 1 - span) : i + 1]) for i in range(len(said))]
