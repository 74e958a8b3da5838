"""What share of the response says again what it has said already? A penalty alone: it never pays.

Covered: runs of `n` words, whatever their case, width, punctuation and invisible characters; Chinese and Japanese count
by characters; a loop without spaces (`hahaha`) or without words (`.....`, empty lines) counts by pieces.
Not covered: the same thing said in other words; loops with a running number in them, unless n is small. Arithmetic
repeats itself honestly, so `free` leaves a share unpunished.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from r1lite.text.tokens import tokens
from rewards import Problem, Rollout, Verdict, reward
from rewards._options import at_least, between

LONG = 32  # characters, from which a word is cut into pieces, and a gap between words is no gap
PIECE = 8
_FILLER = re.compile(rf"(\W{{{LONG + 1},}})")


@reward("repetition", penalty=True)
def repetition(problem: Problem, rollout: Rollout, *, n: int = 4, penalty: float = 1.0, free: float = 0.0) -> Verdict:
    """0 where no run of n words comes twice, towards -penalty where all do.

    n: words in a run
    penalty: what is lost where everything is repeated
    free: the share of repeated runs that costs nothing
    """
    at_least("repetition", "n", n, 1)
    at_least("repetition", "penalty", penalty, 0)
    between("repetition", "free", free, 0, 0.99)
    words = list(_words(rollout.response))
    runs = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    if not runs:
        return Verdict(value=0.0, why=f"fewer than {n} words")
    again = len(runs) - len(set(runs))
    share = max(0.0, again / len(runs) - free) / (1 - free)
    return Verdict(value=-penalty * share if share else 0.0, why=f"{again} of {len(runs)} runs of {n} words come again")


def _words(text: str) -> Iterator[str]:
    """Words, and pieces of what is too long to be a word or a gap between two."""
    for i, part in enumerate(_FILLER.split(text)):
        for word in [part] if i % 2 else tokens(part):
            if len(word) > LONG:
                yield from (word[at : at + PIECE] for at in range(0, len(word), PIECE))
            else:
                yield word
