"""Cases from laws: a gold answer, a response, and whether it has to be paid. A case depends on its seed, kind and index alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from random import Random

from sympy import Basic

from bench.math_laws.golds import KINDS
from bench.math_laws.hand import SYNTAXES, Hand
from bench.math_laws.meanings import Grid, Meaning, Region, Several
from bench.math_laws.hedges import hedged, related
from bench.math_laws.mutations import changed
from bench.math_laws.oracle import equal
from bench.math_laws.rewrites import kept
from bench.math_laws.wrappings import wrapped
from bench.math_laws.writing import write

TURNS = 6  # rewritings of one meaning


@dataclass(frozen=True, slots=True)
class Case:
    kind: str
    index: int  # of the meaning
    right: bool
    gold: str
    answer: str  # without its wrapping
    response: str
    rewriting: str
    habits: tuple[str, ...]  # of writing
    wrapping: str


def cases(kind: str, seed: int) -> Iterator[Case]:
    """Endless cases of one kind."""
    for index in count():
        random = Random(f"math_laws/{seed}/{kind}/{index}")
        meaning = KINDS[kind](random)
        for turn in range(TURNS):
            case = _paid(kind, index, meaning, random) if turn % 2 else _refused(kind, index, meaning, random)
            if case is not None:
                yield case


def _paid(kind: str, index: int, meaning: Meaning, random: Random) -> Case | None:
    rewriting, other = kept(meaning, random)
    if not equal(meaning, other):
        return None
    gold, hand = write(meaning, _plain(random)), _hand(other, random)
    answer = write(other, hand)
    if random.random() < 0.2 and rewriting != "multiplied":  # what is equal is equal in both directions
        gold, answer, rewriting, hand.syntax = answer, gold, f"{rewriting}, from the other side", "latex"
    wrapping, response = wrapped(answer, hand.latex, random)
    return Case(kind, index, True, gold, answer, response, rewriting, tuple(sorted(hand.used)), wrapping)


def _refused(kind: str, index: int, meaning: Meaning, random: Random) -> Case | None:
    rewriting, other = changed(meaning, random)
    if equal(meaning, other) is not False:
        return None
    gold, draw = write(meaning, _plain(random)), random.random()
    if draw < 0.25 and _single(meaning):
        hand = Hand(random)
        answer = write(meaning, hand)
        wrapping, response = hedged(answer, write(other, hand), random)
    elif draw < 0.3 and isinstance(meaning, Basic):
        hand = Hand(random)
        answer = write(meaning, hand)
        wrapping, response = related(answer, random)
    else:
        hand = _hand(other, random)
        answer = write(other, hand)
        if random.random() < 0.2:
            gold, answer, rewriting, hand.syntax = answer, gold, f"{rewriting}, from the other side", "latex"
        wrapping, response = wrapped(answer, hand.latex, random)
    return Case(kind, index, False, gold, answer, response, rewriting, tuple(sorted(hand.used)), wrapping)


def _single(meaning: Meaning) -> bool:
    """Whether `this or that` is something else than this: not so for sets of numbers."""
    return not isinstance(meaning, Region) and not (isinstance(meaning, Several) and meaning.form == "list")


def _plain(random: Random) -> Hand:
    return Hand(random, plainly=True)


def _hand(meaning: Meaning, random: Random) -> Hand:
    return Hand(random, "latex" if isinstance(meaning, Grid) else random.choice(SYNTAXES))
