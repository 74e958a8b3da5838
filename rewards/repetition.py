"""How much of the response repeats what came before? A penalty: it never pays.

Covered: runs of `n` words, regardless of case, width, punctuation and invisible characters; Chinese and Japanese count by
character; loops without spaces (`hahaha`) or without words (`.....`, empty lines) count by pieces.
Not covered: repetition in other words; loops with a running number, unless n is small. Arithmetic contains honest
repetition, so `free` exempts a share.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from r1lite.text.comparison import normalised_words, word_spans
from rewards import Problem, Rollout, Span, Verdict, reward
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
    repeated = _repeated(runs)
    share = max(0.0, len(repeated) / len(runs) - free) / (1 - free)
    why = f"{len(repeated)} of {len(runs)} runs of {n} words are repeated"
    return Verdict(value=-penalty * share if share else 0.0, why=why, spans=_spans(rollout.response, repeated, n, len(words)))


def _repeated(runs: Sequence[tuple[str, ...]]) -> list[int]:
    """The positions of runs that have occurred before."""
    seen: set[tuple[str, ...]] = set()
    return [i for i, run in enumerate(runs) if run in seen or seen.add(run)]


def _words(text: str) -> Iterator[str]:
    """Words, and pieces of overlong words and gaps."""
    for i, part in enumerate(_FILLER.split(text)):
        for word in [part] if i % 2 else normalised_words(part):
            yield from (word[at:end] for at, end in _pieces(0, len(word)))


def _pieces(start: int, end: int) -> Iterator[Span]:
    """A word or gap as a whole, or in pieces if it is overlong."""
    step = PIECE if end - start > LONG else max(1, end - start)
    return ((at, min(at + step, end)) for at in range(start, end, step))


def _spans(text: str, repeated: Sequence[int], n: int, count: int) -> tuple[Span, ...]:
    """The repeated runs in the text, joined where no word is between them; none if normalisation changes the number of words."""
    places: list[Span] = []
    start = 0
    for i, part in enumerate(_FILLER.split(text)):
        words = [(0, len(part))] if i % 2 else word_spans(part)
        places += (piece for at, end in words for piece in _pieces(start + at, start + end))
        start += len(part)
    runs: list[tuple[int, int]] = []  # first and last word
    for i in repeated if len(places) == count else ():
        first = runs.pop()[0] if runs and i <= runs[-1][1] + 1 else i
        runs.append((first, i + n - 1))
    return tuple((places[first][0], places[last][1]) for first, last in runs)
