"""Does a language model behind an OpenAI-compatible endpoint find the response correct? For answers that no other rule can check.

Covered: greedy replies in one fixed form, which are kept on disk and never asked for twice; responses that imitate the lines
around them, a reply, or the tokens of a chat template. A request that fails and a reply in another form are failed verdicts,
never 0.
Not covered: errors of the judge, and responses that talk it into something. `r1lite audit` shows what yours falls for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from r1lite.endpoint.client import Connection, reserve_threads
from rewards import Problem, Rollout, Verdict, reward
from rewards._judge.asking import SECTION, Judge, fields_of
from rewards._judge.message import RUBRIC, Sheet
from rewards._text import evidence

OVERHEAD = 5.0  # seconds of a group's verdicts beyond total_seconds


def deadline(*, total_seconds: float = 120.0, **_: object) -> float:
    """Seconds that the verdicts of a group may take."""
    return total_seconds + OVERHEAD


def warm_up(*, concurrency: int = 8, **_: object) -> None:
    """Make room for the threads that send requests, which scoring.memory_mb then does not count."""
    reserve_threads(concurrency)


@reward("judge", deadline=deadline, warm_up=warm_up, evidence=evidence)
def judge(
    problem: Problem,
    rollouts: Sequence[Rollout],
    *,
    url: str,
    model: str,
    api_key_env: str = "",
    rubric: str = RUBRIC,
    scale: int = 1,
    within: str = "answer",
    max_characters: int = 8000,
    max_tokens: int = 1024,
    response_format: bool = False,
    extra: Mapping[str, Any] | None = None,
    concurrency: int = 8,
    retries: int = 3,
    timeout: float = 60.0,
    total_seconds: float = 120.0,
    cache: str = "runs/judge",
) -> list[Verdict]:
    """The judge's score, as a share of the scale. A response without an answer gets 0 unasked.

    url: the endpoint, up to its version, such as http://localhost:8000/v1
    model: the judge's name at the endpoint
    api_key_env: the environment variable that holds the key; empty sends none
    rubric: what is correct, in words
    scale: the highest score; 1 is correct or wrong
    within: what is judged: answer (the last answer block), response (everything after the thought)
    max_characters: longest text that is judged as a whole; of a longer one, the middle is left out
    max_tokens: longest reply; 0 leaves it to the endpoint
    response_format: whether the endpoint is told to enforce the form of replies (vLLM, SGLang, llama.cpp, OpenAI)
    extra: more fields of every request, sent as they are; null takes a field out
    concurrency: requests under way at once, per scoring worker
    retries: of one request, before it has failed
    timeout: seconds of one request
    total_seconds: seconds for all responses to a problem together
    cache: the folder of replies, for all runs; empty keeps none
    """
    asked = Judge(
        connection=Connection(section=SECTION, url=url, api_key_env=api_key_env, timeout=timeout, retries=retries, concurrency=concurrency),
        fields=json.dumps(fields_of(model, max_tokens, scale if response_format else 0, extra or {}), sort_keys=True),
        sheet=Sheet(rubric=rubric, scale=scale, max_characters=max_characters),
        within=within,
        total_seconds=total_seconds,
        cache=cache,
    )
    asked.check(max_tokens)
    return asked.verdicts(problem, rollouts)
