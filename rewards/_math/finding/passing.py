"""The one value that a sentence gives in passing: `Jane started 3 hours ago`.

Covered: numbers, fractions, formulas in dollars, units of measure behind them. Not covered: a sentence with several values or a hedge,
and values that only bound or compare (`more than 5`, `5 more than before`).
"""

from __future__ import annotations

import re

from rewards._math.finding.hedges import unsure
from rewards._math.reading.units import lookup

VALUE = re.compile(
    r"\$[^$\n]{1,200}\$|\\\((?:[^\\\n]|\\[^()\n]){1,200}\\\)|[-−+]?[$€£¥]?\\?\$?\d{1,40}(?:,\d{3}){0,12}(?:\.\d{1,40})?(?:\s?/\s?\d{1,40})?(?:\s?\\?%)?"
)
_GLUED = re.compile("[₀-₉⁰-⁹²³°′″^_!]")
_UNIT = re.compile(r"\s{0,3}(square|cubic|sq|cu|per|/|[\u4e00-\u9fff]{2,4}|[A-Za-z°℃\u4e00-\u9fff][A-Za-z/²³]{0,20}(?:\^\{?[23]\}?)?)")
_COMPARES = re.compile(
    r"\s{0,3}(?:more|less|fewer|times|plus|minus|percent of|than|of|larger|smaller|greater|higher|lower|or|to|and|倍|多|少)\b"
)
_BOUNDS = re.compile(
    r"\b(?:than|at least|at most|up to|over|under|below|above|mod|modulo|base|step|case|part|page|line|every"
    r"|(?:half|third|quarter|multiple|square|cube|root|double|sum|product|power|factor) of)\s{1,3}$",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[^\W\d_]{2}|[\u4e00-\u9fff]")
_PREFIX = re.compile(r"(?:square|cubic|sq|cu|per|/)$")


def only_value(sentence: str) -> str:
    """The value of a sentence that has one, with its unit; else empty."""
    values = list(VALUE.finditer(sentence))
    if len(values) != 1 or unsure(sentence):
        return ""
    before, after = sentence[: values[0].start()], sentence[values[0].end() :]
    if "\\" in before + after or not _WORDS.search(before) or _BOUNDS.search(before[-20:]) or _COMPARES.match(after):
        return ""
    return _with_unit(sentence, values[0])


def _with_unit(sentence: str, value: re.Match[str]) -> str:
    """A value with the unit after it, where a unit of measure follows; empty where a sign belongs to it: a base, a power, degrees."""
    end = value.end()
    for _ in range(4):
        word = _UNIT.match(sentence, end)
        if not word or not (_PREFIX.search(word[1]) or lookup(word[1].rstrip("23^{}²³")) or lookup(word[1])):
            break
        end = word.end()
    return "" if _GLUED.match(sentence, end) else sentence[value.start() : end].strip()
