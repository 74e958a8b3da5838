"""Removes training problems that also occur in an evaluation set: those that share an n-gram with one of its questions.

An n-gram is `data.ngram` words (13 is usual); in scripts without spaces, a character counts as a word. A question with fewer
words must be identical. N-grams that a tenth of a set's questions share are a template, and are ignored.
Not covered: the same question in other words, in another language, or with other numbers in every n-gram.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

from r1lite.console import say
from r1lite.text.comparison import normalised_words, question
from r1lite.text.rows import as_prompt, open_rows, usable
from r1lite.types import Problem
from tasks import RowLocation, Source

COLUMNS = ("prompt", "question", "problem", "query", "instruction", "text")
EXAMPLES_SHOWN = 3
TEMPLATE_SHARE = 0.1  # an n-gram in more of a set's questions than this is a template
TEMPLATE_QUESTIONS = 20  # smaller sets are not searched for templates


class Subset(Sequence[Problem]):
    """The problems at the chosen indices."""

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
    """The questions that a run is evaluated on, and the splits they are from."""

    questions: frozenset[str]
    splits: Sequence[str]


def indices_not_held_out(problems: Sequence[Problem], held_out: HeldOut, path: Path) -> list[int]:
    """The indices of the rows whose questions the run is not evaluated on. Prints how many are left out."""
    indices = [i for i, problem in enumerate(problems) if question(problem) not in held_out.questions]
    if left_out := len(problems) - len(indices):
        say(f"{path}: left out {left_out} of {len(problems)} rows, whose questions are also in {' or '.join(held_out.splits)}")
    if not indices:
        raise ValueError(f"{path}: every row's question is one that the run is evaluated on; use another file, or other evaluate.splits")
    return indices


def decontaminated(problems: Sequence[Problem], sets: dict[str, set[str]], n: int) -> Subset:
    """The problems that share no n-gram with an evaluation set. Prints how many are removed, with examples."""
    chosen, removed = array("q"), []
    set_of_ngram = {ngram: name for name, set_ngrams in reversed(sets.items()) for ngram in set_ngrams}
    for index in range(len(problems)):
        problem = problems[index]
        shared = next((ngram for ngram in ngrams(question(problem), n) if ngram in set_of_ngram), None)
        if shared is None:
            chosen.append(index)
        else:
            removed.append((problem.id, set_of_ngram[shared], shared))
    if removed:
        examples = "; ".join(f"{id} ({ngram!r:.100}, as in {name})" for id, name, ngram in removed[:EXAMPLES_SHOWN])
        say(f"decontamination: {len(removed)} of {len(problems)} training problems share {n} words with an evaluation set: {examples}")
    else:
        say(f"decontamination: none of {len(problems)} training problems shares {n} words with {', '.join(sets)}")
    if not chosen:
        raise ValueError("data.decontaminate_against leaves no training problem: every one shares words with an evaluation set")
    return Subset(problems, chosen)


def ngrams(text: str, n: int) -> Iterator[str]:
    """All n-grams of a text. One with fewer words counts as a single n-gram, which only an identical text shares."""
    words = normalised_words(text)
    if len(words) < n:
        yield "all of: " + " ".join(words)
    for start in range(len(words) - n + 1):
        yield " ".join(words[start : start + n])


def ngrams_of_set(texts: Iterable[str], n: int) -> set[str]:
    """The n-grams of an evaluation set's questions, without those of its template."""
    per_question = [set(ngrams(text, n)) for text in texts]
    counts = Counter(ngram for question_ngrams in per_question for ngram in question_ngrams)
    limit = TEMPLATE_SHARE * len(per_question) if len(per_question) >= TEMPLATE_QUESTIONS else len(per_question)
    return {ngram for ngram, count in counts.items() if count <= limit or ngram.startswith("all of: ")}


def questions_of(path: Path) -> Iterator[str]:
    """The questions in the rows of a file."""
    for line, row in open_rows(path):
        yield question(_problem_of(usable(row), RowLocation(path, line)))


def questions_of_test_split(name: str) -> Iterator[str]:
    """The questions in the test split of a folder or a hub data set."""
    yield from map(question, Source("dataset", _problem_of, path=name, splits=None, config=None).problems("test"))


def _problem_of(row: Mapping[str, Any], where: RowLocation) -> Problem:
    column = next((name for name in COLUMNS if row.get(name)), None)
    if column is None:
        raise ValueError(f"{where.source}, line {where.line}: no question; expected a column {', '.join(COLUMNS[:-1])} or {COLUMNS[-1]}")
    return Problem(id=where.id, prompt=as_prompt(row[column], *where))
