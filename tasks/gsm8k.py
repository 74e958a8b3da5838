"""Word problems in the files of GSM8K (arXiv 2110.14168): `question`, and `answer`, a worked solution that ends in `#### 42`.

    task=gsm8k task.path=train.jsonl          or, from the hub, task.path=openai/gsm8k task.config=main

The calculator's notes between << and >> are no part of a solution that a model should learn.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from r1lite.types import Problem, Response
from tasks import task
from tasks._files import BadRow, Row, require
from tasks._source import Place, Source, others

MARK = "####"
_NOTE = re.compile(r"<<[^<>]*>>")
_NUMBER = re.compile(r"-?\$?-?[\d,]*\.?\d+")


@task("gsm8k")
class GSM8K:
    """A number for an answer, and a solution in words that a cold start can learn from."""

    name = "gsm8k"

    def __init__(
        self, *, path: str, splits: Mapping[str, str] | None = None, config: str | None = None, bad_rows: str = "refuse", seed: int = 0
    ) -> None:
        self.seed = seed
        self.source = Source(self.name, problem_of, path=path, splits=splits, config=config, bad_rows=bad_rows)

    @property
    def notices(self) -> Sequence[str]:
        return self.source.notices

    def problems(self, split: str) -> Sequence[Problem]:
        return self.source.problems(split)

    def demonstration(self, problem: Problem) -> Response:
        """The file's own solution."""
        return Response(thought=problem.info["solution"], answer=problem.answer)


def problem_of(row: Row, place: Place) -> Problem:
    question, worked = str(require(row, "question", *place)), str(require(row, "answer", *place))
    solution, mark, answer = worked.rpartition(MARK)
    answer = answer.strip()
    if not mark or not _NUMBER.fullmatch(answer):
        raise BadRow(f"{place.source}, line {place.line}: an answer ends in `{MARK}` and a number, got {worked[-40:]!r}")
    info = {**others(row, "question", "answer"), "solution": _NOTE.sub("", solution).strip() or answer}
    return Problem(id=place.id, prompt=question, answer=answer.replace(",", "").replace("$", ""), info=info)
