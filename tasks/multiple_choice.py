"""Questions with choices, in the shapes that data sets have them: see `_choices` for the columns that are read.

    task=multiple_choice task.path=questions.jsonl          or a hub name

The prompt is the question and its lettered choices. The answer is a letter; the choices reach the rules as a column.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_uppercase
from typing import Any

from r1lite.text.rows import BadRow, Row, require
from r1lite.types import Problem
from tasks import task
from tasks._choices import choices_of, right_one
from tasks._file_task import FileTask
from tasks._source import Place, others

ASKED = ("question", "question_stem", "prompt", "problem", "query")
TOLD = "\n\nAnswer with the letter of the right choice."


@task("multiple_choice")
class MultipleChoice(FileTask):
    """Each problem has one right choice. `first_index` is what an answer in numbers calls the first of them."""

    name = "multiple_choice"

    def __init__(
        self,
        *,
        path: str,
        splits: Mapping[str, str] | None = None,
        config: str | None = None,
        bad_rows: str = "refuse",
        first_index: int = 0,
        instruction: str = TOLD,
        seed: int = 0,
    ) -> None:
        if first_index not in (0, 1):
            raise ValueError(f"task.first_index must be 0 or 1, got {first_index}")
        self.first_index, self.instruction = first_index, instruction
        super().__init__(path=path, splits=splits, config=config, bad_rows=bad_rows, seed=seed)

    def problem_of(self, row: Row, place: Place) -> Problem:
        asked = next((name for name in ASKED if row.get(name)), ASKED[0])
        question = str(require(row, asked, *place)).strip()
        try:
            choices = choices_of(row, question)
            right = right_one(row, choices, self.first_index)
        except ValueError as error:
            raise BadRow(f"{place.source}, line {place.line}: {error}; the row has {', '.join(row)}") from error
        listed = "\n".join(f"{letter}. {text}" for letter, text in zip(ascii_uppercase, choices.texts, strict=False))
        info: dict[str, Any] = {**others(row, asked, *choices.columns), "choices": list(choices.texts)}
        return Problem(id=place.id, prompt=f"{question}\n\n{listed}{self.instruction}", answer=ascii_uppercase[right], info=info)
