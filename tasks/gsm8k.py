"""Word problems in the format of GSM8K (arXiv 2110.14168): `question`, and `answer`, a worked solution that ends with `#### 42`.

    task=gsm8k task.path=train.jsonl          or, from the hub, task.path=openai/gsm8k task.config=main

Calculator annotations between << and >> are removed from the solution.
"""

from __future__ import annotations

import re

from r1lite.text.rows import BadRow, Row, require
from r1lite.types import Problem, Response
from tasks import task
from tasks._file_task import FileTask
from tasks._source import RowLocation, others

MARK = "####"
_NOTE = re.compile(r"<<[^<>]*>>")
_NUMBER = re.compile(r"-?\$?-?[\d,]*\.?\d+")


@task("gsm8k")
class GSM8K(FileTask):
    """Answers are numbers; the solution in words serves as a demonstration for the cold start."""

    name = "gsm8k"

    def problem_of(self, row: Row, where: RowLocation) -> Problem:
        question, worked = str(require(row, "question", *where)), str(require(row, "answer", *where))
        solution, mark, answer = worked.rpartition(MARK)
        answer = answer.strip()
        if not mark or not _NUMBER.fullmatch(answer):
            raise BadRow(f"{where.source}, line {where.line}: an answer ends with `{MARK}` and a number, got {worked[-40:]!r}")
        info = {**others(row, "question", "answer"), "solution": _NOTE.sub("", solution).strip() or answer}
        return Problem(id=where.id, prompt=question, answer=answer.replace(",", "").replace("$", ""), info=info)

    def demonstration(self, problem: Problem) -> Response:
        """The solution in the file."""
        return Response(thought=problem.info["solution"], answer=problem.answer)
