"""How much of the response repeats what came before? A penalty: it never pays.

Covered: runs of `n` words, regardless of case, width, punctuation and invisible characters; Chinese and Japanese count by
character; loops without spaces (`hahaha`) or without words (`.....`, empty lines) count by pieces.
Not covered: repetition in other words; loops with a running number, unless n is small. Arithmetic contains honest
repetition, so `free` exempts a share.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from r1lite.text.tokens import tokens
from rewards import Problem, Rollout, Verdict, reward
from rewards._options import at_least, between

LONG = 32  # characters; a longer word, or a longer gap between words, is cut into pieces
PIECE = 8
_FILLER = re.compile(rf"(\W{{{LONG + 1},}})")


@reward("repetition", penalty=True)
def repetition(problem: Problem, rollout: Rollout, *, n: int = 4, penalty: float = 1.0, free: float = 0.0) -> Verdict:
    """0 if no run of n words is repeated, down to -penalty if all are.

    n: the number of words in a run
    penalty: the loss if everything is repeated
    free: the share of repeated runs that costs nothing
    """
    at_least("repetition", "n", n, 1)
    at_least("repetition", "penalty", penalty, 0)
    between("repetition", "free", free, 0, 0.99)
    words = list(_words(rollout.response))
    runs = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    if not runs:
        return Verdict(value=0.0, why=f"fewer than {n} words")
    repeated = len(runs) - len(set(runs))
    share = max(0.0, repeated / len(runs) - free) / (1 - free)
    return Verdict(value=-penalty * share if share else 0.0, why=f"{repeated} of {len(runs)} runs of {n} words are repeated")


def _words(text: str) -> Iterator[str]:
    """Words, and pieces of overlong words and gaps."""
    for i, part in enumerate(_FILLER.split(text)):
        for word in [part] if i % 2 else tokens(part):
            if len(word) > LONG:
                yield from (word[at : at + PIECE] for at in range(0, len(word), PIECE))
            else:
                yield word
