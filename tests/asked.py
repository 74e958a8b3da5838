"""Problems and responses as tests of rules need them."""

from __future__ import annotations

from typing import Any

from r1lite.types import Finish, Problem, Rollout, Verdict


def asking(answer: Any = None, *, prompt: Any = "?", **info: Any) -> Problem:
    return Problem(id="p", prompt=prompt, answer=answer, info=info)


def rollout(text: str, *, tokens: int = 1, finish: Finish = "stop", prefill: str = "") -> Rollout:
    ids = tuple(range(tokens))
    return Rollout(problem_id="p", index=0, prompt_ids=(), token_ids=ids, logprobs=(), text=text, finish=finish, prefill=prefill)


def thinking(thought: str, answer: str = "7") -> Rollout:
    return rollout(f"<think>{thought}</think><answer>{answer}</answer>")


def answered(text: str) -> Rollout:
    return thinking("so", text)


def value(verdict: Verdict | float | None) -> float | None:
    assert isinstance(verdict, Verdict)
    return verdict.value
