"""Data sets of worked examples: made by sampling from a model and keeping what is fit, or read from files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from r1lite.config import Config, DistillConfig, RejectConfig
from r1lite.console import Progress
from r1lite.decontaminate import training_problems
from r1lite.feed import Feed
from r1lite.files import atomic
from r1lite.ledger import Ledger
from r1lite.prompt import Prompter, respond
from r1lite.quality import keep_best
from r1lite.score import Scorer
from r1lite.setup import make_prompter, make_rules, make_sampler, make_task
from r1lite.types import Problem, Sample, Scored, TeachingTask
from tasks._files import as_prompt, read_rows, require

FILE = "data.jsonl"


def sample_traces(model: Any, tokenizer: Any, cfg: Config, wanted: RejectConfig | DistillConfig, *, folder: Path, name: str) -> Path:
    """Ask the model, score its answers, keep the right and readable ones; write them to `folder/data.jsonl`."""
    prompter = make_prompter(tokenizer, cfg)
    sampler = make_sampler(model, prompter, cfg)
    feed = Feed(training_problems(cfg), seed=f"{cfg.seed}/{name}", prompter=prompter, limits=cfg.prompt)
    problems = feed.take(wanted.prompts)
    groups: list[list[Scored]] = []
    with Scorer(make_rules(cfg), cfg.scoring) as scorer, Progress(f"{name}: sampling", len(problems)) as progress:
        asked = []
        for group in sampler.sample(problems, n=wanted.samples, seed=f"{cfg.seed}/{name}"):
            asked += scorer.ask([group])
            progress.advance({})
        groups = scorer.wait(asked)
        Ledger(folder / "rollouts", name).write(0, groups)
        scorer.check_health()
    kept = keep_best(groups, per_prompt=wanted.keep_per_prompt)
    if not kept:
        asked_for = len(problems) * wanted.samples
        raise ValueError(f"{name}: none of {asked_for} responses is right and readable; train the model further, or raise {name}.samples")
    write_rows(folder / FILE, [_as_row(scored) for scored in kept])
    return folder / FILE


def _as_row(scored: Scored) -> dict[str, Any]:
    return {
        "prompt": scored.problem.prompt,
        "completion": scored.rollout.response,
        "answer": scored.problem.answer,
        "reward": scored.reward,
        "problem_id": scored.problem.id,
    }


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    with atomic(path) as part:
        part.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def demonstrations(cfg: Config, count: int, prompter: Prompter, *, seed: str) -> list[Sample]:
    """The task's own worked examples."""
    task = make_task(cfg)
    if not hasattr(task, "demonstration"):
        raise ValueError(f"task {task.name!r} cannot write demonstrations: set cold_start.data to a file with prompt and completion")
    teaching = cast(TeachingTask, task)
    problems = Feed(training_problems(cfg, task), seed=seed, prompter=prompter, limits=cfg.prompt).take(count)
    return [as_sample(p, respond(teaching.demonstration(p)), prompter) for p in problems]


def from_file(path: Path, prompter: Prompter) -> list[Sample]:
    """Worked examples from a file: `prompt` (text or chat messages) and `completion`."""
    rows = read_rows(path)
    return [
        as_sample(
            Problem(id=f"{path}:{line}", prompt=as_prompt(require(row, "prompt", path, line), path, line)),
            str(require(row, "completion", path, line)),
            prompter,
        )
        for line, row in rows
    ]


def as_sample(problem: Problem, completion: str, prompter: Prompter) -> Sample:
    # What the template prefilled is in the prompt already; an example must not write it twice.
    completion = completion.removeprefix(prompter.opened(problem))
    return Sample(prompt_ids=prompter.ids(problem), token_ids=prompter.completion_ids(completion))
