"""The user's own problems: a Hugging Face data set by its hub name, or a local jsonl, json, csv or parquet file.

    task=dataset task.path=problems.jsonl task.columns='{prompt: question, answer: label}'

Every column that is not the prompt or the answer reaches the rewards as `problem.info`.
"""

from __future__ import annotations

from collections.abc import Mapping

from r1lite.text.rows import BadRow, Row, as_prompt, require
from r1lite.types import Problem
from tasks import task
from tasks._file_task import FileTask
from tasks._source import Place, others


@task("dataset")
class Dataset(FileTask):
    """Problems from a file, a folder of files named after their splits, or the hub."""

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

    def problem_of(self, row: Row, place: Place) -> Problem:
        return problem_of(row, place, self.columns)


def problem_of(row: Row, place: Place, columns: Mapping[str, str]) -> Problem:
    asked, answered = columns.get("prompt", "prompt"), columns.get("answer", "answer")
    prompt = as_prompt(require(row, asked, *place), *place)
    if answered not in row and "answer" in columns:
        raise BadRow(
            f"{place.source}, line {place.line}: column {answered!r} (task.columns.answer) is missing; the row has {', '.join(row)}"
        )
    given = [row[name] for name in (answered, "solution") if name in row]
    # An empty one, as a csv file has where nobody wrote any, is none: else an empty response would be right.
    answer = next((one for one in given if not (one is None or (isinstance(one, str) and not one.strip()))), None)
    return Problem(id=place.id, prompt=prompt, answer=answer, info=others(row, asked, answered))


def known_columns(given: Mapping[str, str] | None) -> dict[str, str]:
    columns = dict(given or {})
    if unknown := columns.keys() - {"prompt", "answer"}:
        raise ValueError(f"task.columns maps prompt and answer only, got {', '.join(sorted(unknown))}; other columns keep their names")
    return columns
