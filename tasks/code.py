"""Your own programming problems with tests, from a file, a folder or the hub.

    task=code task.path=problems.jsonl

Columns: `prompt`; `tests`, a list of {"input": ..., "output": ...} (stdin and stdout, or with `fn_name` the arguments
and the result), or text with assertions, with `entry_point`; optionally `starter`, code to begin from, and `answer`, a
program that passes. A row without tests is an error that names its line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from r1lite.text.rows import BadRow, Row
from r1lite.types import Problem
from tasks import task
from tasks._file_task import FileTask
from tasks._source import RowLocation
from tasks.dataset import known_columns, problem_of

INSTRUCTION = "\n\nAnswer with a Python program in one fenced block."


@task("code")
class Code(FileTask):
    """A data set whose answers are programs."""

    name = "code"

    def __init__(
        self,
        *,
        path: str,
        columns: Mapping[str, str] | None = None,
        splits: Mapping[str, str] | None = None,
        config: str | None = None,
        instruction: str = INSTRUCTION,
        bad_rows: str = "refuse",
        seed: int = 0,
    ) -> None:
        self.columns, self.instruction = known_columns(columns), instruction
        super().__init__(path=path, splits=splits, config=config, bad_rows=bad_rows, seed=seed)

    def problem_of(self, row: Row, where: RowLocation) -> Problem:
        problem = problem_of(row, where, self.columns)
        tests = problem.info.get("tests")
        if tests in (None, "", []):
            raise BadRow(f"{problem.id}: column 'tests' is missing or empty; the row has {', '.join(problem.info) or 'no other column'}")
        if not isinstance(problem.prompt, str):  # chat messages stay as they are
            return problem
        starter = f"\n\nBegin from this:\n```python\n{problem.info['starter']}\n```" if problem.info.get("starter") else ""
        return replace(problem, prompt=problem.prompt + starter + self.instruction)
