"""Worked examples from a model: sample responses, score them, and keep those that are correct and readable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from r1lite.build import make_feed, make_sampler, make_scorer
from r1lite.config import AskConfig, Config, DistillConfig, QualityConfig, RejectConfig
from r1lite.console import Progress, say
from r1lite.data.examples import FILE, SAMPLING, write_rows
from r1lite.data.quality import select
from r1lite.parallel import doing, exchange, stop, world
from r1lite.prompt import Prompter
from r1lite.scoring.metrics import failed_share
from r1lite.scoring.scorer import Scorer
from r1lite.store.files import write_json
from r1lite.store.ledger import Ledger
from r1lite.store.run import Place
from r1lite.types import Group, Problem, Sampler, Scored

if TYPE_CHECKING:
    from transformers import PreTrainedModel

TraceSettings = RejectConfig | DistillConfig | AskConfig
PART = 4096  # rollouts in a part: how many an interruption can lose. At the end of each part the sampler's batch runs empty


def traces_from_model(model: PreTrainedModel, prompter: Prompter, cfg: Config, settings: TraceSettings, place: Place) -> Path:
    """Sample responses, score them, and write the correct and readable ones to `data.jsonl`.

    It takes the whole configuration because it builds the problems, the sampler and the scorer from it.
    """
    seed = f"{cfg.seed}/{place.name}"
    problems = make_feed(prompter, cfg, seed=seed).take(settings.prompts)
    sampler = make_sampler(model, prompter, cfg)
    with make_scorer(cfg) as scorer:
        scored = sample_traces(sampler, scorer, problems, settings.samples, place, seed=seed)
    return write_selected(scored, cfg.quality, settings.keep_per_prompt, place)


def sample_traces(
    sampler: Sampler, scorer: Scorer, problems: Sequence[Problem], samples: int, place: Place, *, seed: str
) -> list[list[Scored]]:
    """Sample and score in parts. A part that was scored is in the ledger, and is read from there after an interruption."""
    ledger, size = Ledger(place.out / "rollouts", place.name), max(1, PART // samples)
    scored: list[list[Scored]] = []
    with stop.after_steps(), Progress(f"{place.name}: sampling", len(problems)) as progress:
        for part, begin in enumerate(range(0, len(problems), size)):
            in_part = problems[begin : begin + size]
            scored_part = ledger.read(part, in_part)
            # A part in which too many verdicts failed stopped the run; its cause has been fixed since.
            if scored_part is None or failed_share(scored_part) > scorer.cfg.max_failed_share:
                doing.begin_phase("sample")
                groups = sampler.sample(in_part, n=samples, seed=f"{seed}/{part}" if part else seed)
                scored_part = _score(groups, scorer, progress)
                ledger.write(part, scored_part)
                scorer.check_health()
            else:
                for _ in in_part:
                    progress.advance({})
            scored += scored_part
            stop.leave_if_asked(f"after part {part + 1} of {place.name}")
    return scored


def score_traces(groups: Sequence[Group], scorer: Scorer, place: Place) -> list[list[Scored]]:
    """Score existing responses."""
    with Progress(f"{place.name}: scoring", len(groups)) as progress:
        scored = _score(groups, scorer, progress)
    Ledger(place.out / "rollouts", place.name).write(0, scored)
    scorer.check_health()
    return scored


def _score(groups: Iterable[Group], scorer: Scorer, progress: Progress) -> list[list[Scored]]:
    """Score groups as they arrive. The results are in the order of the problems: groups of short responses arrive first, and a
    prefix of the data must not consist of those alone."""
    pending = []
    for group in groups:
        pending += scorer.ask([group])
        progress.advance({}, by=world.size())
    return scorer.wait(pending)


def write_selected(
    scored: Sequence[Sequence[Scored]], quality: QualityConfig, per_prompt: int, place: Place, *, extra: Mapping[str, Any] | None = None
) -> Path:
    """Write the selected responses to `data.jsonl`, and how many were dropped for each fault, with `extra`, to `sampling.json`."""
    kept, dropped = select(scored, quality, per_prompt=per_prompt)
    total, faults = sum(map(len, scored)), ", ".join(f"{fault} {n}" for fault, n in dropped.most_common())
    summary = {"responses": total, "kept": len(kept), "dropped": dict(dropped.most_common()), **(extra or {})}
    exchange.leader_writes(lambda: write_json(place.out / SAMPLING, summary))
    if not kept:
        raise ValueError(
            f"{place.name}: none of {total} responses is correct and readable ({faults}); train the model further, ask for more samples, "
            f"or change what quality.* drops"
        )
    file = place.out / FILE
    exchange.leader_writes(lambda: write_rows(file, [_as_row(s) for s in kept]))
    say(f"{place.name}: kept {len(kept)} of {total} responses in {file}{f'; dropped: {faults}' if faults else ''}")
    return file


def _as_row(scored: Scored) -> dict[str, Any]:
    return {
        "prompt": scored.problem.prompt,
        "completion": scored.rollout.response,
        "answer": scored.problem.answer,
        "reward": scored.reward,
        "problem_id": scored.problem.id,
    }
