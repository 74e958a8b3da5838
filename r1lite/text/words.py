"""Words with their script and a weight, so that scripts without spaces count in words too."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

ENCODED = 24  # ASCII letters and digits in one piece, without a space: longer than words and names are
LETTERS = 6  # of an average word

_HAN = r"\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003134f"
_KANA = r"\u3040-\u30ff\uff66-\uff9d"
_UNSPACED = rf"{_HAN}{_KANA}\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_WORD = re.compile(
    rf"(?P<encoded>\b[A-Za-z0-9]{{{ENCODED},}}\b)|(?P<han>[{_HAN}]+)|(?P<kana>[{_KANA}]+)|(?P<thai>[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]+)"
    rf"|(?P<spaced>[^\W\d_{_UNSPACED}](?:[^\W\d_{_UNSPACED}]|[\u0300-\u036f\u064b-\u065f\u0900-\u0dff'’])*)"
    r"|(?P<end>[.!?;:。！？；：\n]+)"
)
_CAPITAL_INSIDE = re.compile(r"[a-z]['’]?[A-Z]")
WEIGHTS = {"han": 0.6, "kana": 0.4, "thai": 0.2}  # words per character, roughly
# Words of no language: names of functions, units, mathematical abbreviations.
NEUTRAL = set("sin cos tan log ln exp max min mod gcd lcm sqrt cm mm km kg mg ml ok qed lhs rhs pi vs".split())


class Word(NamedTuple):
    """One word, or one character of a script without spaces."""

    text: str
    script: str  # "han", "kana", "LATIN", "CYRILLIC", ...; "mixed" if one word mixes two, or capitals as no word does
    weight: float
    sentence: int


def words(text: str) -> list[Word]:
    """All words that reveal a language: no single letters, acronyms, function names or units."""
    candidates: list[Word] = []
    sentence = 0
    for m in _WORD.finditer(unicodedata.normalize("NFKC", text)):
        kind, text = m.lastgroup, m[0]
        if kind == "end":
            sentence += 1
        elif kind == "encoded":
            if is_encoded(text):
                candidates.append(Word(text, "mixed", len(text) / LETTERS, sentence))
        elif kind == "spaced":
            text = text.strip("'’")
            if len(text) > 1 and text.casefold() not in NEUTRAL:
                candidates.append(Word(text, script(text), 1.0, sentence))
        elif kind:
            candidates += [Word(character, kind, WEIGHTS[kind], sentence) for character in text]
    return [w for i, w in enumerate(candidates) if not (w.text.isupper() and _acronym(candidates, i))]


def is_encoded(text: str) -> bool:
    """Whether this is one long piece of ASCII letters and digits, such as base64, which is not language. A long number is not."""
    return len(text) >= ENCODED and text.isascii() and text.isalnum() and sum(c.isalpha() for c in text) > 1


@lru_cache(maxsize=4096)
def script(word: str) -> str:
    """The script of a word's letters.

    "mixed" if there are several, such as a Cyrillic look-alike in a Latin word, or if capitals and small letters alternate, as in
    encoded data. One capital inside is a name: DeepSeek, LaTeX, maxValue.
    """
    if len(_CAPITAL_INSIDE.findall(word)) > 1:
        return "mixed"
    names = {unicodedata.name(c, "?").split()[0] for c in word if c.isalpha()}
    return names.pop() if len(names) == 1 else "mixed"


def _acronym(words: list[Word], i: int) -> bool:
    """AB always; GCD unless its neighbours are in capitals too."""

    def capitals(k: int) -> bool:
        return 0 <= k < len(words) and words[k].script == "LATIN" and words[k].text.isupper() and words[k].sentence == words[i].sentence

    size = len(words[i].text)
    return capitals(i) and (size <= 2 or (size <= 5 and not (capitals(i - 1) or capitals(i + 1))))


def are_new(response: list[Word], question: list[Word], span: int = 4) -> list[bool]:
    """For each word, whether the run of up to `span` words that ends with it is neither repeated nor copied from the question."""
    seen = set(_runs([*question, *question], span))  # twice, so that the seam between two pasted copies is not new either
    new: list[bool] = []
    for run in _runs(response, span):
        new.append(run not in seen)
        seen.add(run)
    return new


def _runs(words: list[Word], span: int) -> list[tuple[str, ...]]:
    """The run that ends with each word; at the start of a text, with gaps."""
    texts = [*[""] * (span - 1), *(w.text.casefold() for w in words)]
    return list(zip(*(texts[at : len(texts) - span + 1 + at] for at in range(span)), strict=True))
