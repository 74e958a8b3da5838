"""Worked examples from a model: sample responses, score them, and keep those that are correct and readable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from r1lite.build import make_prompter, make_rules, make_sampler, training_problems
from r1lite.config import AskConfig, Config, DistillConfig, QualityConfig, RejectConfig
from r1lite.console import Progress, say
from r1lite.data.examples import FILE, SAMPLING, write_rows
from r1lite.data.feed import Feed
from r1lite.data.quality import select
from r1lite.parallel import exchange, world
from r1lite.prompt import Prompter
from r1lite.scoring.metrics import failed_share
from r1lite.scoring.scorer import Scorer
from r1lite.store.files import write_json
from r1lite.store.ledger import Ledger
from r1lite.types import Group, Problem, Scored

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

TraceSettings = RejectConfig | DistillConfig | AskConfig
PART = 4096  # rollouts in a part: how many an interruption can lose. At the end of each part the sampler's batch runs empty


def sample_traces(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, cfg: Config, settings: TraceSettings, *, folder: Path, name: str
) -> Path:
    """Sample responses, score them, and write the correct and readable ones to `folder/data.jsonl`.

    This happens in parts. A part that was scored is in the ledger, and is read from there after an interruption.
    """
    prompter = make_prompter(tokenizer, cfg)
    problems = trace_problems(prompter, cfg, settings, name=name)
    sampler, ledger, seed = make_sampler(model, prompter, cfg), Ledger(folder / "rollouts", name), f"{cfg.seed}/{name}"
    size = max(1, PART // settings.samples)
    scored: list[list[Scored]] = []
    with Scorer(make_rules(cfg), cfg.scoring) as scorer, Progress(f"{name}: sampling", len(problems)) as progress:
        for part, begin in enumerate(range(0, len(problems), size)):
            in_part = problems[begin : begin + size]
            scored_part = ledger.read(part, in_part)
            # A part in which too many verdicts failed stopped the run; its cause has been fixed since.
            if scored_part is None or failed_share(scored_part) > cfg.scoring.max_failed_share:
                groups = sampler.sample(in_part, n=settings.samples, seed=f"{seed}/{part}" if part else seed)
                scored_part = _score(groups, scorer, progress)
                ledger.write(part, scored_part)
                scorer.check_health()
            else:
                for _ in in_part:
                    progress.advance({})
            scored += scored_part
    return _write_selected(scored, cfg.quality, settings, folder=folder, name=name, extra={})


def trace_problems(prompter: Prompter, cfg: Config, settings: TraceSettings, *, name: str) -> list[Problem]:
    """The training problems that a stage samples responses to."""
    feed = Feed(training_problems(cfg), seed=f"{cfg.seed}/{name}", prompter=prompter, limits=cfg.prompt)
    return feed.take(settings.prompts)


def score_answers(
    groups: Sequence[Group], cfg: Config, settings: TraceSettings, *, folder: Path, name: str, extra: Mapping[str, Any]
) -> Path:
    """The same as `sample_traces` with existing responses. `extra` fields are added to `sampling.json`."""
    with Scorer(make_rules(cfg), cfg.scoring) as scorer, Progress(f"{name}: scoring", len(groups)) as progress:
        scored = _score(groups, scorer, progress)
        Ledger(folder / "rollouts", name).write(0, scored)
        scorer.check_health()
    return _write_selected(scored, cfg.quality, settings, folder=folder, name=name, extra=extra)


def _score(groups: Iterable[Group], scorer: Scorer, progress: Progress) -> list[list[Scored]]:
    """Score groups as they arrive. The results are in the order of the problems: groups of short responses arrive first, and a
    prefix of the data must not consist of those alone."""
    pending = []
    for group in groups:
        pending += scorer.ask([group])
        progress.advance({}, by=world.size())
    return scorer.wait(pending)


def _write_selected(
    scored: Sequence[Sequence[Scored]],
    quality: QualityConfig,
    settings: TraceSettings,
    *,
    folder: Path,
    name: str,
    extra: Mapping[str, Any],
) -> Path:
    """Write the selected responses to `data.jsonl`, and how many were dropped for each fault to `sampling.json`."""
    kept, dropped = select(scored, quality, per_prompt=settings.keep_per_prompt)
    total, faults = sum(map(len, scored)), ", ".join(f"{fault} {n}" for fault, n in dropped.most_common())
    summary = {"responses": total, "kept": len(kept), "dropped": dict(dropped.most_common()), **extra}
    exchange.leader_writes(lambda: write_json(folder / SAMPLING, summary))
    if not kept:
        raise ValueError(
            f"{name}: none of {total} responses is correct and readable ({faults}); train the model further, ask for more samples, "
            f"or change what quality.* drops"
        )
    exchange.leader_writes(lambda: write_rows(folder / FILE, [_as_row(s) for s in kept]))
    say(f"{name}: kept {len(kept)} of {total} responses in {folder / FILE}{f'; dropped: {faults}' if faults else ''}")
    return folder / FILE


def _as_row(scored: Scored) -> dict[str, Any]:
    return {
        "prompt": scored.problem.prompt,
        "completion": scored.rollout.response,
        "answer": scored.problem.answer,
        "reward": scored.reward,
        "problem_id": scored.problem.id,
    }
