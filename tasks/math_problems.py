r"""Mathematics in the format of MATH (arXiv 2103.03874): `problem`, and `solution`, whose last `\boxed{...}` is the answer.

    task=math_problems task.path=problems.jsonl          or a hub name

A column `answer` takes precedence over the box. Rules find other columns, such as `level` or `type`, in `problem.info`.
"""

from __future__ import annotations

from r1lite.text.rows import BadRow, Row, require
from r1lite.types import Problem, Response
from tasks import task
from tasks._boxed import last_boxed
from tasks._file_task import FileTask
from tasks._source import RowLocation, others

QUESTION_COLUMNS = ("problem", "question", "prompt")


@task("math_problems")
class MathProblems(FileTask):
    """Problems whose answers are formulas, with the file's worked solutions if it has them."""

    name = "math_problems"

    def problem_of(self, row: Row, where: RowLocation) -> Problem:
        column = next((name for name in QUESTION_COLUMNS if row.get(name)), QUESTION_COLUMNS[0])
        question, solution, answer = str(require(row, column, *where)), row.get("solution"), row.get("answer")
        if answer in (None, ""):
            answer = last_boxed(str(solution or ""))
        if not answer and answer != 0:
            raise BadRow(
                f"{where.source}, line {where.line}: neither an answer nor a solution with \\boxed{{...}}; the row has {', '.join(row)}"
            )
        return Problem(id=where.id, prompt=question, answer=str(answer), info=others(row, column, "answer"))

    def demonstration(self, problem: Problem) -> Response:
        """The solution in the file."""
        if not (solution := problem.info.get("solution")):
            raise ValueError(f"{problem.id} has no solution to learn from: set cold_start.data to a file with prompt and completion")
        return Response(thought=str(solution), answer=problem.answer)
