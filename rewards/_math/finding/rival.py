"""Another value that a clause gives in passing: `that would be negative, so it must be 8`, `8.`

Covered: a value at the end of a clause, alone or after words that equate it with the answer. Not covered, because it is no
rival: a rounded form, a value in a condition, in a check, or of something else (`the perimeter is 8`).
"""

from __future__ import annotations

import re

from rewards._math.finding.languages import Language

_LAST_VALUE = re.compile(
    r"(?P<value>\$[^$]{1,80}\$|\\\(.{1,80}\\\)|\\(?:[dt]?frac|sqrt)\S{1,60}|(?<![\d.,])[-−+]?[$€£¥]?\d[\d,]{0,20}(?:\.\d{1,20})?(?:/\d{1,9})?\s?%?"
    r"(?: (?:cm|mm|km|m|kg|g|ways|dollars|degrees|units|points))?)(?: (?:instead|now|then|sein|heißen|lauten))?$"
)
_OF_SOMETHING_ELSE = re.compile(
    r"\b(?:about|approx\w{0,9}|roughly|decimals?|rounded|nearly|etwa|ungefähr|rund|environ|for|when|where|while|cases?|parts?|question|other|second"
    r"|first|both|each|steps?|example|page|not|never|no|nor|cannot|nicht|kein\w{0,2}|pas|plus|minus|add|subtract)\b|n't|[≈约时当不]|大约",
    re.IGNORECASE,
)


def rival(clause: str, sentence: str, language: Language) -> str:
    """The value at the end of a clause without openers; empty if it is the value of something else."""
    found = _LAST_VALUE.search(clause)
    if not found or _OF_SOMETHING_ELSE.search(sentence):
        return ""
    head = clause[: found.start()]
    return found["value"] if not head or language.equates.search(head) else ""
