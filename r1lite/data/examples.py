"""Data sets of worked examples: made by sampling from a model and keeping what is fit, or read from files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from r1lite.build import make_prompter, make_rules, make_sampler, make_task
from r1lite.config import AskConfig, Config, DistillConfig, RejectConfig
from r1lite.console import Progress, say
from r1lite.data.decontaminate import fit_to_learn, training_problems
from r1lite.data.feed import Feed
from r1lite.data.quality import sift
from r1lite.prompt import Prompter, respond
from r1lite.score import Scorer
from r1lite.scoring.metrics import failed_share
from r1lite.store.files import atomic, write_json
from r1lite.store.ledger import Ledger
from r1lite.types import Group, Problem, Sample, Scored, TeachingTask
from tasks._files import as_prompt, read_rows, require

FILE, SAMPLING = "data.jsonl", "sampling.json"
ASKED = ("teacher", "own")  # as data=: what such a model answers is asked for, scored and sifted
Wanted = RejectConfig | DistillConfig | AskConfig
PART = 4096  # rollouts: an interruption costs as many, and at the end of each part the sampler's rows run dry


def sample_traces(model: Any, tokenizer: Any, cfg: Config, wanted: Wanted, *, folder: Path, name: str) -> Path:
    """Ask the model, score its answers, keep the right and readable ones; write them to `folder/data.jsonl`.

    In parts: one that was scored is in the ledger, and after an interruption it is read from there.
    """
    prompter = make_prompter(tokenizer, cfg)
    problems = asked_problems(prompter, cfg, wanted, name=name)
    sampler, ledger, seed = make_sampler(model, prompter, cfg), Ledger(folder / "rollouts", name), f"{cfg.seed}/{name}"
    size = max(1, PART // wanted.samples)
    scored: list[list[Scored]] = []
    with Scorer(make_rules(cfg), cfg.scoring) as scorer, Progress(f"{name}: sampling", len(problems)) as progress:
        for part, begin in enumerate(range(0, len(problems), size)):
            asked = problems[begin : begin + size]
            found = ledger.read(part, asked)
            if found is None or failed_share(found) > cfg.scoring.max_failed_share:  # then what was wrong has been mended since
                groups = sampler.sample(asked, n=wanted.samples, seed=f"{seed}/{part}" if part else seed)
                found = _judged(groups, asked, scorer, progress)
                ledger.write(part, found)
                scorer.check_health()
            else:
                for _ in asked:
                    progress.advance({})
            scored += found
    return _keep(scored, cfg, wanted, folder=folder, name=name, known={})


def asked_problems(prompter: Prompter, cfg: Config, wanted: Wanted, *, name: str) -> list[Problem]:
    feed = Feed(training_problems(cfg), seed=f"{cfg.seed}/{name}", prompter=prompter, limits=cfg.prompt)
    return feed.take(wanted.prompts)


def keep_answers(groups: Sequence[Group], cfg: Config, wanted: Wanted, *, folder: Path, name: str, known: Mapping[str, Any]) -> Path:
    """The same with answers that are there already; what is `known` of them stands in `sampling.json` too."""
    with Scorer(make_rules(cfg), cfg.scoring) as scorer, Progress(f"{name}: scoring", len(groups)) as progress:
        scored = _judged(groups, [group.problem for group in groups], scorer, progress)
        Ledger(folder / "rollouts", name).write(0, scored)
        scorer.check_health()
    return _keep(scored, cfg, wanted, folder=folder, name=name, known=known)


def _judged(groups: Iterable[Group], asked: Sequence[Problem], scorer: Scorer, progress: Progress) -> list[list[Scored]]:
    """Scored as they come, and then in the order of asking: the short ones come first, and whoever learns from a part of all must not
    learn from those alone."""
    waiting = []
    for group in groups:
        waiting += scorer.ask([group])
        progress.advance({})
    places = {problem.id: place for place, problem in enumerate(asked)}
    return sorted(scorer.wait(waiting), key=lambda group: places[group[0].problem.id])


def _keep(scored: Sequence[Sequence[Scored]], cfg: Config, wanted: Wanted, *, folder: Path, name: str, known: Mapping[str, Any]) -> Path:
    """Sift, and say in `sampling.json` how many were dropped for what."""
    kept, dropped = sift(scored, cfg.quality, per_prompt=wanted.keep_per_prompt)
    answers, why = sum(map(len, scored)), ", ".join(f"{fault} {n}" for fault, n in dropped.most_common())
    write_json(folder / SAMPLING, {"responses": answers, "kept": len(kept), "dropped": dict(dropped.most_common()), **known})
    if not kept:
        raise ValueError(
            f"{name}: none of {answers} responses is right and readable ({why}); train the model further, ask for more samples, "
            f"or see quality.* for what is dropped"
        )
    write_rows(folder / FILE, [_as_row(one) for one in kept])
    say(f"{name}: kept {len(kept)} of {answers} responses in {folder / FILE}{f'; dropped: {why}' if why else ''}")
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


def from_file(path: Path, prompter: Prompter, *, tested: Config | None = None) -> list[Sample]:
    """Worked examples from a file: `prompt` (text or chat messages) and `completion`; without what is `tested`, if that is given."""
    rows = list(read_rows(path))
    problems = [asked_in(row, path, line) for line, row in rows]
    completions = [str(require(row, "completion", path, line)) for line, row in rows]
    places = fit_to_learn(problems, tested, path) if tested else range(len(rows))
    return [as_sample(problems[place], completions[place], prompter) for place in places]


def asked_in(row: Mapping[str, Any], path: Path, line: int) -> Problem:
    return Problem(id=f"{path}:{line}", prompt=as_prompt(require(row, "prompt", path, line), path, line))


def as_sample(problem: Problem, completion: str, prompter: Prompter) -> Sample:
    # What the template prefilled is in the prompt already; an example must not write it twice, whatever blanks stand around it.
    opened = prompter.opened(problem)
    if opened.strip() and not completion.startswith(opened) and completion.lstrip().startswith(opened.strip()):
        opened, completion = opened.strip(), completion.lstrip()
    completion = completion.removeprefix(opened)
    return Sample(prompt_ids=prompter.ids(problem), token_ids=prompter.completion_ids(completion))
