"""Training problems that an evaluation set holds too are left out: those that share a run of words with one of its questions.

A run is `data.ngram` words (13, as is usual); where writing has no spaces, a character is a word. A question shorter than
that counts where all of it is the same. Runs that a tenth of a set's questions share are its template, and say nothing.
Not seen: the same question in other words, in another language, or with other numbers in every run.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

from r1lite.console import say
from r1lite.text.rows import as_prompt, open_rows, told
from r1lite.text.tokens import question, tokens
from r1lite.types import Problem
from tasks import Place, Source

COLUMNS = ("prompt", "question", "problem", "query", "instruction", "text")
SHOWN = 3
TEMPLATE = 0.1  # share of a set's questions, of sets with at least FEW of them
FEW = 20


class Kept(Sequence[Problem]):
    """The problems that are left."""

    def __init__(self, problems: Sequence[Problem], chosen: Sequence[int]) -> None:
        self.problems, self.chosen = problems, chosen

    def __len__(self) -> int:
        return len(self.chosen)

    @overload
    def __getitem__(self, index: int) -> Problem: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Problem]: ...
    def __getitem__(self, index: int | slice) -> Problem | Sequence[Problem]:
        return [self[i] for i in range(*index.indices(len(self)))] if isinstance(index, slice) else self.problems[self.chosen[index]]


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOut:
    """The questions that a run is tested with."""

    questions: frozenset[str]
    splits: Sequence[str]


def fit_to_learn(problems: Sequence[Problem], held_out: HeldOut, path: Path) -> list[int]:
    """The places of those that no test asks. Says how many are left out."""
    places = [place for place, problem in enumerate(problems) if question(problem) not in held_out.questions]
    if left_out := len(problems) - len(places):
        say(f"{path}: {left_out} of {len(problems)} rows ask what {' and '.join(held_out.splits)} ask, and are left out")
    if not places:
        raise ValueError(f"{path}: every row asks what the run is tested with; name another file, or other evaluate.splits")
    return places


def without(problems: Sequence[Problem], sets: dict[str, set[str]], n: int) -> Kept:
    """Says how many were left out, and the first of them."""
    chosen, found = array("q"), []
    holder = {run: name for name, held in reversed(sets.items()) for run in held}
    for index in range(len(problems)):
        problem = problems[index]
        shared = next((run for run in runs(question(problem), n) if run in holder), None)
        if shared is None:
            chosen.append(index)
        else:
            found.append((problem.id, holder[shared], shared))
    if found:
        examples = "; ".join(f"{id} ({run!r:.100}, as in {name})" for id, name, run in found[:SHOWN])
        say(f"decontamination: {len(found)} of {len(problems)} training problems share {n} words with an evaluation set: {examples}")
    else:
        say(f"decontamination: none of {len(problems)} training problems shares {n} words with {', '.join(sets)}")
    if not chosen:
        raise ValueError("data.decontaminate_against leaves no training problem: every one shares words with an evaluation set")
    return Kept(problems, chosen)


def runs(text: str, n: int) -> Iterator[str]:
    words = tokens(text)
    if len(words) < n:
        yield "all of: " + " ".join(words)
    for start in range(len(words) - n + 1):
        yield " ".join(words[start : start + n])


def runs_of_set(texts: Iterable[str], n: int) -> set[str]:
    held = [set(runs(text, n)) for text in texts]
    counts = Counter(run for own in held for run in own)
    most = TEMPLATE * len(held) if len(held) >= FEW else len(held)
    return {run for run, count in counts.items() if count <= most or run.startswith("all of: ")}


def questions_of(path: Path) -> Iterator[str]:
    """Of each row of a file."""
    for line, row in open_rows(path):
        yield question(_asked(told(row), Place(path, line)))


def questions_of_test_split(name: str) -> Iterator[str]:
    """Of a folder or a hub data set."""
    yield from map(question, Source("dataset", _asked, path=name, splits=None, config=None).problems("test"))


def _asked(row: Mapping[str, Any], place: Place) -> Problem:
    column = next((name for name in COLUMNS if row.get(name)), None)
    if column is None:
        raise ValueError(f"{place.source}, line {place.line}: no question; it stands in one of {', '.join(COLUMNS)}")
    return Problem(id=place.id, prompt=as_prompt(row[column], *place))
