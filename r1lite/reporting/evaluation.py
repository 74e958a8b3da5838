"""Evaluates a model on held-out problems: pass@1, pass@k, maj@k, greedy accuracy and response length."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from r1lite.build import make_prompter, make_sampler, make_scorer, make_task
from r1lite.config import Config
from r1lite.console import say
from r1lite.data.feed import Feed
from r1lite.models import pretrained
from r1lite.parallel import doing
from r1lite.scoring.metrics import judged
from r1lite.store.ledger import Ledger
from r1lite.text.braces import braced
from r1lite.text.response import after_thought, last_answer
from r1lite.types import Scored

BOX = "\\boxed{"


def evaluate(weights: str | Path, cfg: Config, *, ledger: Ledger | None = None) -> dict[str, Any]:
    """Evaluate a model on every split: {"parameters", "eval", "eval_hard", ...}. `eval` is the first split.

    It takes the whole configuration because it builds the model, the task, the sampler and the scorer from it.
    """
    doing.begin_phase("evaluate")
    model, tokenizer = pretrained.load(str(weights), cfg.model)
    prompter = make_prompter(tokenizer, cfg)
    sampler = make_sampler(model, prompter, cfg)
    task = make_task(cfg)
    results: dict[str, Any] = {"parameters": pretrained.parameter_count(model)}
    with make_scorer(cfg) as scorer:
        for number, split in enumerate(cfg.evaluate.splits):
            problems = task.problems(split)
            feed = Feed(problems, seed=f"{cfg.seed}/evaluate/{split}", prompter=prompter, limits=cfg.prompt)
            selected = feed.take_once(cfg.evaluate.problems)
            sampled = scorer.score(sampler.sample(selected, n=cfg.evaluate.samples, seed=f"{cfg.seed}/evaluate"))
            greedy = scorer.score(sampler.sample(selected, n=1, seed="greedy", greedy=True))
            skipped = {"skipped": feed.skipped} if feed.skipped else {}
            if skipped:
                limit = f"prompt.max_tokens={cfg.prompt.max_tokens}"
                say(f"skipped {feed.skipped} problems of split {split}: their prompts have more tokens than {limit}")
            results["eval" if number == 0 else f"eval_{split}"] = split_figures(sampled, greedy, cfg.evaluate.k) | skipped
            if ledger is not None:
                ledger.write(number, sampled)
        scorer.check_health()
    return results


def split_figures(sampled: Sequence[Sequence[Scored]], greedy: Sequence[Sequence[Scored]], k: int) -> dict[str, float]:
    """The figures of one split. Responses without a verdict are excluded, because they may be correct, and counted."""
    groups = [row for row in ([s for s in group if judged(s)] for group in sampled) if row]
    correct = [[s.right for s in row] for row in groups]
    answers = [[answer_of(s.rollout.response) for s in row] for row in groups]
    figures = {
        "pass@1": mean(pass_at_k(sum(row), len(row), 1) for row in correct),
        "greedy": mean(group[0].right for group in greedy if judged(group[0])),
        f"pass@{k}": mean(pass_at_k(sum(row), len(row), min(k, len(row))) for row in correct),
        f"maj@{k}": mean(majority_is_correct(a[:k], c[:k]) for a, c in zip(answers, correct, strict=True)),
        "length_mean": mean(s.rollout.written for group in sampled for s in group),
        "problems": len(sampled),
        "k": k,
    }
    unjudged = mean(not judged(s) for group in [*sampled, *greedy] for s in group)
    return figures | ({"unjudged": unjudged} if unjudged else {})


def pass_at_k(correct: int, samples: int, k: int) -> float:
    """The unbiased estimate (arXiv 2107.03374): the probability that k samples drawn at random include a correct one."""
    if not 1 <= k <= samples:
        raise ValueError(f"evaluate.k must be between 1 and evaluate.samples ({samples}), got {k}")
    return 1.0 - math.comb(samples - correct, k) / math.comb(samples, k)


def answer_of(response: str) -> str | None:
    """The answer that counts for maj@k: the answer block, else the last box, else all text after the thought."""
    block = last_answer(response)
    if block is not None or (rest := after_thought(response)) is None:
        return block
    at = rest.rfind(BOX)
    return " ".join((braced(rest, at + len(BOX) - 1)[0] if at >= 0 else rest).split()) or None


def majority_is_correct(answers: Sequence[str | None], correct: Sequence[bool]) -> bool:
    """Whether the most frequent answer is correct. The earlier one wins a tie; responses without an answer do not vote."""
    votes = Counter(a for a in answers if a is not None)
    if not votes:
        return False
    winner = votes.most_common(1)[0][0]
    return correct[answers.index(winner)]


def mean(values: Iterable[float]) -> float:
    """Rounded to four digits; 0 without values."""
    numbers = list(values)
    return round(statistics.fmean(numbers), 4) if numbers else 0.0
