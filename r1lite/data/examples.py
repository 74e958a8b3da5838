"""Worked examples from files or from the task: a prompt and its completion as token ids."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from r1lite.data.decontaminate import HeldOut, indices_not_held_out
from r1lite.prompt import Prompter
from r1lite.store.files import atomic
from r1lite.text.response import respond
from r1lite.text.rows import as_prompt, read_rows, require
from r1lite.types import Problem, Sample, TeachingTask

FILE, SAMPLING = "data.jsonl", "sampling.json"
FROM_MODELS = ("teacher", "own")  # values of `data` for which a model answers prompts; the answers are scored and filtered


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    with atomic(path) as part:
        part.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def demonstrations(task: TeachingTask, problems: Sequence[Problem], prompter: Prompter) -> list[Sample]:
    """Worked examples that the task writes."""
    return [as_sample(p, respond(task.demonstration(p)), prompter) for p in problems]


def from_file(path: Path, prompter: Prompter, *, held_out: HeldOut | None = None) -> list[Sample]:
    """Worked examples from a file with `prompt` (text or chat messages) and `completion`. Rows with held-out questions are left out."""
    rows = list(read_rows(path))
    problems = [problem_of(row, path, line) for line, row in rows]
    completions = [str(require(row, "completion", path, line)) for line, row in rows]
    indices = indices_not_held_out(problems, held_out, path) if held_out else range(len(rows))
    return [as_sample(problems[i], completions[i], prompter) for i in indices]


def problem_of(row: Mapping[str, Any], path: Path, line: int) -> Problem:
    return Problem(id=f"{path}:{line}", prompt=as_prompt(require(row, "prompt", path, line), path, line))


def as_sample(problem: Problem, completion: str, prompter: Prompter) -> Sample:
    # The prompt may already contain the start of the response; the completion must not repeat it, with or without its whitespace.
    prefix = prompter.response_prefix(problem)
    if prefix.strip() and not completion.startswith(prefix) and completion.lstrip().startswith(prefix.strip()):
        prefix, completion = prefix.strip(), completion.lstrip()
    completion = completion.removeprefix(prefix)
    return Sample(prompt_ids=prompter.ids(problem), token_ids=prompter.completion_ids(completion))
