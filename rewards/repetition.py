"""How much of the response repeats what came before? A penalty: it never pays.

Covered: runs of `n` words, regardless of case, width, punctuation and invisible characters; Chinese and Japanese count by
character; loops without spaces (`hahaha`) or without words (`.....`, empty lines) count by pieces.
Not covered: repetition in other words; loops with a running number, unless n is small. Arithmetic contains honest
repetition, so `free` exempts a share.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise, starmap
from operator import sub

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
    words = _words(rollout.response)
    runs = len(words) - n + 1
    if runs < 1:
        return Verdict(value=0.0, why=f"fewer than {n} words")
    repeated = _repeated(zip(*(islice(words, at, None) for at in range(n)), strict=False))
    share = max(0.0, len(repeated) / runs - free) / (1 - free)
    why = f"{len(repeated)} of {runs} runs of {n} words are repeated"
    return Verdict(value=-penalty * share if share else 0.0, why=why, spans=_spans(rollout.response, repeated, n, len(words)))


def _repeated(runs: Iterable[tuple[str, ...]]) -> list[int]:
    """The positions of runs that have occurred before."""
    seen: set[tuple[str, ...]] = set()
    return [i for i, run in enumerate(runs) if run in seen or seen.add(run)]


def _words(text: str) -> list[str]:
    """Words, and pieces of overlong words and gaps."""
    found: list[str] = []
    for i, part in enumerate(_FILLER.split(text)):
        words = [part] if i % 2 else normalised_words(part)
        if max(map(len, words), default=0) > LONG:
            words = [word[at:end] for word in words for at, end in _pieces((0, len(word)))]
        found += words
    return found


def _pieces(whole: Span) -> Iterator[Span]:
    """A word or gap as a whole, or in pieces if it is overlong."""
    start, end = whole
    step = PIECE if end - start > LONG else max(1, end - start)
    return ((at, min(at + step, end)) for at in range(start, end, step))


def _spans(text: str, repeated: Sequence[int], n: int, count: int) -> tuple[Span, ...]:
    """The repeated runs in the text, joined where no word is between them; none if normalisation changes the number of words."""
    places = _places(text) if repeated else []
    if len(places) != count:
        return ()
    gaps = [(before, i) for before, i in pairwise(repeated) if i > before + n]
    firsts, lasts = [repeated[0], *(i for _, i in gaps)], [*(before + n - 1 for before, _ in gaps), repeated[-1] + n - 1]
    return tuple((places[first][0], places[last][1]) for first, last in zip(firsts, lasts, strict=True))


def _places(text: str) -> list[Span]:
    """Where the words stand that `_words` finds."""
    found: list[Span] = []
    start = 0
    for i, part in enumerate(_FILLER.split(text)):
        spans = [(0, len(part))] if i % 2 else word_spans(part)
        if start or min(starmap(sub, spans), default=0) < -LONG:  # start - end
            spans = [piece for at, end in spans for piece in _pieces((start + at, start + end))]
        found += spans
        start += len(part)
    return found
