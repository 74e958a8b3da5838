"""The phrases with which an answer is taken back, by kind. One file per language; `retraction` reads clauses with them."""

from __future__ import annotations

import re
from dataclasses import dataclass


def compiled(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """Patterns of one language. The first eight are matched at the start of a clause, the others are searched for."""

    opener: re.Pattern[str]  # one word that may come before anything: `so`, `wait`
    turn: re.Pattern[str]  # an opener after which another value is a correction
    act: re.Pattern[str]  # takes the answer back whatever follows
    again: re.Pattern[str]  # a second attempt: it takes the answer back unless the result is confirmed
    verdict: re.Pattern[str]  # `this is wrong`; says nothing where the sentence is about another answer
    predicate: re.Pattern[str]  # the same without its subject, right after an answer: `is wrong`
    leads: re.Pattern[str]  # what may stand between an opener and another value: `it is`
    restates: re.Pattern[str]  # leads to another value without any opener: `it should be`
    others: re.Pattern[str]  # the sentence is about what somebody else might answer
    confirms: re.Pattern[str]
    fault: re.Pattern[str]  # a word for a mistake or a change of mind; with an owner in its clause, it takes the answer back
    owner: re.Pattern[str]  # `I`, `this`, `the answer above`
    equates: re.Pattern[str]  # ends right before another value: `so it must be`; nothing before it says what else has that value
    denied: re.Pattern[str]  # ends right before a fault that is not there: `no error`
