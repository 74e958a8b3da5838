"""Worked examples that a model writes: ask it, score its answers, keep those that are right and readable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from r1lite.build import make_prompter, make_rules, make_sampler, training_problems
from r1lite.config import AskConfig, Config, DistillConfig, RejectConfig
from r1lite.console import Progress, say
from r1lite.data.examples import FILE, SAMPLING, write_rows
from r1lite.data.feed import Feed
from r1lite.data.quality import select
from r1lite.prompt import Prompter
from r1lite.scoring.metrics import failed_share
from r1lite.scoring.scorer import Scorer
from r1lite.store.files import write_json
from r1lite.store.ledger import Ledger
from r1lite.types import Group, Problem, Scored

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
    kept, dropped = select(scored, cfg.quality, per_prompt=wanted.keep_per_prompt)
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
