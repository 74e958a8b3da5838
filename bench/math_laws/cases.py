"""Cases from laws: a gold answer, a response, and whether it has to be paid. A case depends on its seed, kind and index alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from random import Random

from sympy import Basic

from bench.math_laws.golds import KINDS
from bench.math_laws.hand import SYNTAXES, Hand
from bench.math_laws.hedges import corrected, hedged, related
from bench.math_laws.meanings import Grid, Meaning, Region, Several
from bench.math_laws.mutations import changed
from bench.math_laws.oracle import equal
from bench.math_laws.rewrites import kept
from bench.math_laws.wrappings import wrapped
from bench.math_laws.writing import write

RESPONSE_ONLY = {"chain", "approximation"}  # what no expected answer has


@dataclass(frozen=True, slots=True)
class Case:
    kind: str
    index: int  # of the meaning
    right: bool | None  # None if the response is damaged: then only an exception is a fault
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
        for law in (_refused, _paid, _refused, _paid, _refused, _paid, _damaged):
            case = law(kind, index, meaning, random)
            if case is not None:
                yield case


def _paid(kind: str, index: int, meaning: Meaning, random: Random) -> Case | None:
    """The same value: in another form, in other notation, in other words; in both directions."""
    rewriting, other = kept(meaning, random)
    if not equal(meaning, other):
        return None
    gold, hand = write(meaning, Hand(random, plainly=True)), _hand(other, random)
    answer = write(other, hand)
    if rewriting == "itself" and random.random() < 0.1:
        answer, rewriting, hand.syntax = gold, "verbatim", "latex"
    if random.random() < 0.2 and rewriting != "multiplied" and not hand.used & RESPONSE_ONLY:
        gold, answer, rewriting, hand.syntax = answer, gold, f"{rewriting}, from the other side", "latex"
    elif random.random() < 0.1:
        gold = f"${gold}$"  # as many data sets have it
    another = changed(meaning, random)[1] if hand.latex and random.random() < 0.1 else meaning
    if equal(meaning, another) is False:
        wrapping, response = corrected(answer, write(another, Hand(random, plainly=True)), random)
    else:
        wrapping, response = wrapped(answer, hand.latex, random)
    return Case(kind, index, True, gold, answer, response, rewriting, tuple(sorted(hand.used)), wrapping)


def _refused(kind: str, index: int, meaning: Meaning, random: Random) -> Case | None:
    """Another value; or the same, taken back, beside another one, or behind a relation."""
    rewriting, other = changed(meaning, random)
    if equal(meaning, other) is not False:
        return None
    gold, draw = write(meaning, Hand(random, plainly=True)), random.random()
    claimed = draw < 0.6 or not _single(meaning)
    hand = _hand(other, random) if claimed else Hand(random)
    answer = write(other if claimed else meaning, hand)
    if claimed:
        if random.random() < 0.2:
            gold, answer, rewriting, hand.syntax = answer, gold, f"{rewriting}, from the other side", "latex"
        wrapping, response = wrapped(answer, hand.latex, random)
    elif draw < 0.7 and isinstance(meaning, Basic):
        wrapping, response = related(answer, random)
    else:
        wrapping, response = hedged(answer, write(other, hand), random)
    return Case(kind, index, False, gold, answer, response, rewriting, tuple(sorted(hand.used)), wrapping)


def _damaged(kind: str, index: int, meaning: Meaning, random: Random) -> Case:
    """A response that was cut, or lost or repeated some of its characters."""
    gold, hand = write(meaning, Hand(random, plainly=True)), _hand(meaning, random)
    answer = write(meaning, hand)
    wrapping, response = wrapped(answer, hand.latex, random)
    for _ in range(random.randint(1, 4)):
        start = random.randrange(len(response) + 1)
        stop = start + random.choice((1, 1, 2, 5, len(response)))
        response = (
            response[:start] + random.choice(("", response[start:stop] * 2, random.choice("{}[]()\\$^_&|<>=,;.%!"))) + response[stop:]
        )
    return Case(kind, index, None, gold, answer, response, "damaged", tuple(sorted(hand.used)), wrapping)


def _single(meaning: Meaning) -> bool:
    """Whether `this or that` is something else than this: not so for sets of numbers."""
    return not isinstance(meaning, Region) and not (isinstance(meaning, Several) and meaning.form == "list")


def _hand(meaning: Meaning, random: Random) -> Hand:
    return Hand(random, "latex" if isinstance(meaning, Grid) else random.choice(SYNTAXES))
