"""Your own problems: a Hugging Face data set by its hub name, or a local jsonl, json, csv or parquet file.

    task=dataset task.path=problems.jsonl task.columns='{prompt: question, answer: label}'

Rules find every other column in `problem.info`.
"""

from __future__ import annotations

from collections.abc import Mapping

from r1lite.text.rows import BadRow, Row, as_prompt, require
from r1lite.types import Problem
from tasks import task
from tasks._file_task import FileTask
from tasks._source import RowLocation, others


@task("dataset")
class Dataset(FileTask):
    """Problems from a file, a folder with one file per split, or the hub."""

    name = "dataset"

    def __init__(
        self,
        *,
        path: str,
        columns: Mapping[str, str] | None = None,
        splits: Mapping[str, str] | None = None,
        config: str | None = None,
        bad_rows: str = "refuse",
        seed: int = 0,
    ) -> None:
        self.columns = known_columns(columns)
        super().__init__(path=path, splits=splits, config=config, bad_rows=bad_rows, seed=seed)

    def problem_of(self, row: Row, where: RowLocation) -> Problem:
        return problem_of(row, where, self.columns)


def problem_of(row: Row, where: RowLocation, columns: Mapping[str, str]) -> Problem:
    prompt_column, answer_column = columns.get("prompt", "prompt"), columns.get("answer", "answer")
    prompt = as_prompt(require(row, prompt_column, *where), *where)
    if answer_column not in row and "answer" in columns:
        raise BadRow(
            f"{where.source}, line {where.line}: column {answer_column!r} (task.columns.answer) is missing; the row has {', '.join(row)}"
        )
    answers = [row[name] for name in (answer_column, "solution") if name in row]
    # An empty cell of a csv file is not an answer: else an empty response would be correct.
    answer = next((value for value in answers if not (value is None or (isinstance(value, str) and not value.strip()))), None)
    return Problem(id=where.id, prompt=prompt, answer=answer, info=others(row, prompt_column, answer_column))


def known_columns(setting: Mapping[str, str] | None) -> dict[str, str]:
    columns = dict(setting or {})
    if unknown := columns.keys() - {"prompt", "answer"}:
        raise ValueError(f"task.columns maps prompt and answer only, got {', '.join(sorted(unknown))}; other columns keep their names")
    return columns
