"""The score of a trained reward model: a sequence classifier with one label, such as the stage `reward_model` makes.

Covered: classifiers with a head named `score`; responses are scored in batches, on the CPU of the scoring worker.
Not covered: correctness. The model has learned preferences, and a policy that is trained on it for long finds responses that it
prefers for no good reason. It is never scoring.right_rule: use another rule for that, such as `answer` at weight 0.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from rewards import Problem, Rollout, Verdict, reward
from rewards._options import OptionError


def warm_up(*, path: str, threads: int = 1, **_: Any) -> None:
    """Load the model. This runs in a worker, so the trainer's number of threads does not change."""
    import torch

    torch.set_num_threads(threads)
    _loaded(path)


@reward("model", warm_up=warm_up, decides=False)
def model(problem: Problem, rollouts: Sequence[Rollout], *, path: str, batch: int = 8, threads: int = 1) -> list[Verdict]:
    """The model's score of prompt and response.

    path: the model's folder, or reward_model for the model of the stage with that name
    batch: the number of responses per forward pass
    threads: the number of torch threads in the worker
    """
    _check(path)
    if not any(r.text or r.token_ids for r in rollouts):
        return [Verdict(value=None, why="the response is empty")] * len(rollouts)
    import torch

    scorer, tokenizer = _loaded(path)
    verdicts: list[Verdict] = []
    for begin in range(0, len(rollouts), batch):
        rows = [_ids(problem, r, tokenizer) for r in rollouts[begin : begin + batch]]
        width = max(map(len, rows))
        ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows])  # padded on the right, which causal attention ignores
        with torch.no_grad():
            hidden = scorer.base_model(input_ids=ids, use_cache=False).last_hidden_state
            scores = scorer.score(hidden[range(len(rows)), [len(row) - 1 for row in rows]]).squeeze(-1).float().tolist()
        verdicts += [Verdict(value=score, why=f"scored {len(row)} tokens") for score, row in zip(scores, rows, strict=True)]
    return verdicts


def _ids(problem: Problem, rollout: Rollout, tokenizer: Any) -> list[int]:
    """The policy's own token ids if this tokenizer decodes them to the same text; else the text, tokenized."""
    if rollout.prompt_ids and tokenizer.decode(list(rollout.token_ids)).startswith(rollout.text):
        return [*rollout.prompt_ids, *rollout.token_ids]
    from r1lite.prompt import Prompter

    prompter = Prompter(tokenizer=tokenizer)
    return [*prompter.ids(problem), *prompter.completion_ids(rollout.text)]


def _check(path: str) -> None:
    config = Path(path) / "config.json"
    if not config.is_file():
        raise OptionError(f"rewards.model.path={path} is not a model's folder: it has no config.json")
    labels = len(json.loads(config.read_text(encoding="utf-8")).get("id2label", ("", "")))
    if labels != 1:
        raise OptionError(f"rewards.model.path={path} is not a reward model: it has {labels} labels instead of one")


def _loaded(path: str) -> tuple[Any, Any]:
    return _loaded_at(path, (Path(path) / "config.json").stat().st_mtime_ns)


@lru_cache(maxsize=2)
def _loaded_at(path: str, modified: int) -> tuple[Any, Any]:
    """Loaded again if the folder is written again, as by a later run of the stage in this process."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    return AutoModelForSequenceClassification.from_pretrained(path).eval(), AutoTokenizer.from_pretrained(path)
