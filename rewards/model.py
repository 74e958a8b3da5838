"""The score of a trained reward model: a sequence classifier with one label, such as the stage `reward_model` makes.

Covered: any score that a classifier with a head named `score` gives; whole groups go through it at once, in the worker's
process, on the CPU. Not covered: knowing. It prefers what its pairs taught it to, so a policy that is trained on it for
long finds what it likes and nobody wants. It never says who is right: another rule does (`answer`, at weight 0, say).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from rewards import Problem, Rollout, Verdict, reward
from rewards._options import OptionError


def warm_up(*, path: str, threads: int = 1, **_: Any) -> None:
    """In a worker: the trainer's own threads stay as they are."""
    import torch

    torch.set_num_threads(threads)
    _loaded(path)


@reward("model", warm_up=warm_up, decides=False)
def model(problem: Problem, rollouts: Sequence[Rollout], *, path: str, batch: int = 8, threads: int = 1) -> list[Verdict]:
    """The model's score of prompt and response.

    path: the model's folder, or reward_model for the one that the stage of this name makes
    batch: responses that go through the model at once
    threads: of torch in the worker
    """
    _check(path)
    if not any(r.text or r.token_ids for r in rollouts):
        return [Verdict(value=None, why="nothing was said")] * len(rollouts)
    import torch

    scorer, tokenizer = _loaded(path)
    verdicts: list[Verdict] = []
    for begin in range(0, len(rollouts), batch):
        rows = [_ids(problem, r, tokenizer) for r in rollouts[begin : begin + batch]]
        width = max(map(len, rows))
        ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows])  # on the right, where causal attention never looks
        with torch.no_grad():
            hidden = scorer.base_model(input_ids=ids, use_cache=False).last_hidden_state
            scores = scorer.score(hidden[range(len(rows)), [len(row) - 1 for row in rows]]).squeeze(-1).float().tolist()
        verdicts += [Verdict(value=score, why=f"scored {len(row)} tokens") for score, row in zip(scores, rows, strict=True)]
    return verdicts


def _ids(problem: Problem, rollout: Rollout, tokenizer: Any) -> list[int]:
    """The tokens that the policy saw and wrote; where they are not known, or say something else to this model, the text's."""
    if rollout.prompt_ids and tokenizer.decode(list(rollout.token_ids)).startswith(rollout.text):
        return [*rollout.prompt_ids, *rollout.token_ids]
    from r1lite.prompt import Prompter

    prompter = Prompter(tokenizer=tokenizer)
    return [*prompter.ids(problem), *prompter.completion_ids(rollout.text)]


def _check(path: str) -> None:
    config = Path(path) / "config.json"
    if not config.is_file():
        raise OptionError(f"rewards.model.path={path} holds no model: there is no config.json in it")
    labels = len(json.loads(config.read_text(encoding="utf-8")).get("id2label", ("", "")))
    if labels != 1:
        raise OptionError(f"rewards.model.path={path} is no reward model: it has {labels} labels, and a reward model has one")


@cache
def _loaded(path: str) -> tuple[Any, Any]:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    from transformers.utils import logging

    _check(path)
    logging.disable_progress_bar()
    return AutoModelForSequenceClassification.from_pretrained(path).eval(), AutoTokenizer.from_pretrained(path)
