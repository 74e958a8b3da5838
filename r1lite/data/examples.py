"""Worked examples, read from files or written by the task: a prompt and its completion as tokens."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from r1lite.data.decontaminate import HeldOut, fit_to_learn
from r1lite.prompt import Prompter
from r1lite.store.files import atomic
from r1lite.text.response import respond
from r1lite.text.rows import as_prompt, read_rows, require
from r1lite.types import Problem, Sample, TeachingTask

FILE, SAMPLING = "data.jsonl", "sampling.json"
ASKED = ("teacher", "own")  # as data=: a model answers prompts, and its answers are scored and filtered


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    with atomic(path) as part:
        part.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def demonstrations(task: TeachingTask, problems: Sequence[Problem], prompter: Prompter) -> list[Sample]:
    """The task's own worked examples."""
    return [as_sample(p, respond(task.demonstration(p)), prompter) for p in problems]


def from_file(path: Path, prompter: Prompter, *, held_out: HeldOut | None = None) -> list[Sample]:
    """Worked examples from a file: `prompt` (text or chat messages) and `completion`. Rows that are held out are left out."""
    rows = list(read_rows(path))
    problems = [asked_in(row, path, line) for line, row in rows]
    completions = [str(require(row, "completion", path, line)) for line, row in rows]
    places = fit_to_learn(problems, held_out, path) if held_out else range(len(rows))
    return [as_sample(problems[place], completions[place], prompter) for place in places]


def asked_in(row: Mapping[str, Any], path: Path, line: int) -> Problem:
    return Problem(id=f"{path}:{line}", prompt=as_prompt(require(row, "prompt", path, line), path, line))


def as_sample(problem: Problem, completion: str, prompter: Prompter) -> Sample:
    # What the template prefilled is in the prompt already; an example must not write it twice, whatever blanks stand around it.
    opened = prompter.response_prefix(problem)
    if opened.strip() and not completion.startswith(opened) and completion.lstrip().startswith(opened.strip()):
        opened, completion = opened.strip(), completion.lstrip()
    completion = completion.removeprefix(opened)
    return Sample(prompt_ids=prompter.ids(problem), token_ids=prompter.completion_ids(completion))
