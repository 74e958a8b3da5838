"""Questions with choices, in the formats that data sets use: `_choices` documents the columns.

    task=multiple_choice task.path=questions.jsonl          or a hub name

The prompt is the question with lettered choices. The answer is a letter; rules find the choices in `problem.info`.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_uppercase
from typing import Any

from r1lite.text.rows import BadRow, Row, require
from r1lite.types import Problem
from tasks import task
from tasks._choices import choices_of, correct_index
from tasks._file_task import FileTask
from tasks._source import RowLocation, others

QUESTION_COLUMNS = ("question", "question_stem", "prompt", "problem", "query")
INSTRUCTION = "\n\nAnswer with the letter of the right choice."


@task("multiple_choice")
class MultipleChoice(FileTask):
    """Each problem has one correct choice. If answers are numbers, `first_index` is the number of the first choice."""

    name = "multiple_choice"

    def __init__(
        self,
        *,
        path: str,
        splits: Mapping[str, str] | None = None,
        config: str | None = None,
        bad_rows: str = "refuse",
        first_index: int = 0,
        instruction: str = INSTRUCTION,
        seed: int = 0,
    ) -> None:
        if first_index not in (0, 1):
            raise ValueError(f"task.first_index must be 0 or 1, got {first_index}")
        self.first_index, self.instruction = first_index, instruction
        super().__init__(path=path, splits=splits, config=config, bad_rows=bad_rows, seed=seed)

    def problem_of(self, row: Row, where: RowLocation) -> Problem:
        column = next((name for name in QUESTION_COLUMNS if row.get(name)), QUESTION_COLUMNS[0])
        question = str(require(row, column, *where)).strip()
        try:
            choices = choices_of(row, question)
            correct = correct_index(row, choices, self.first_index)
        except ValueError as error:
            raise BadRow(f"{where.source}, line {where.line}: {error}; the row has {', '.join(row)}") from error
        listed = "\n".join(f"{letter}. {text}" for letter, text in zip(ascii_uppercase, choices.texts, strict=False))
        info: dict[str, Any] = {**others(row, column, *choices.columns), "choices": list(choices.texts)}
        return Problem(id=where.id, prompt=f"{question}\n\n{listed}{self.instruction}", answer=ascii_uppercase[correct], info=info)
