"""Worked episodes for a cold start: the task writes the model's turns, the environment answers them, and only the former are learnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from r1lite.episodes.contract import Insert
from r1lite.episodes.host import Host
from r1lite.episodes.play import Call
from r1lite.prompt import Prompter
from r1lite.text.response import respond
from r1lite.types import Problem, Sample, Verdict


def worked_episodes(task: Any, problems: Sequence[Problem], host: Host, prompter: Prompter) -> list[Sample]:
    """An episode for each problem, from the task's `turns`; a task without any for this environment has one turn, its demonstration."""
    samples = [worked(problem, _turns(task, problem, host), host, prompter, key=f"worked/{i}") for i, problem in enumerate(problems)]
    host.forget()
    return samples


def _turns(task: Any, problem: Problem, host: Host) -> Sequence[str]:
    written = task.turns(problem, host.spec.name) if hasattr(task, "turns") else None
    return written or [respond(task.demonstration(problem))]


def worked(problem: Problem, turns: Sequence[str], host: Host, prompter: Prompter, *, key: str) -> Sample:
    """The token ids of an episode in which the model writes these turns. Turns that the environment does not wait for are left out."""
    first = _ask(host, Call(key=key, problem=problem))
    prompt_ids = prompter.ids(replace(problem, prompt=first))
    ids: list[int] = []
    mask: list[bool] = []
    for number in range(len(turns)):
        answer = _ask(host, Call(key=key, problem=problem, replies=tuple(turns[: number + 1])))
        inserted = isinstance(answer, Insert)
        own = prompter.text_ids(turns[number]) if inserted else prompter.completion_ids(turns[number])
        ids, mask = [*ids, *own], [*mask, *[True] * len(own)]
        if answer is None or number == len(turns) - 1:
            break
        given = prompter.text_ids(prompter.harmless(answer.text)) if inserted else prompter.next_turn_ids(answer, own[-1])
        ids, mask = [*ids, *given], [*mask, *[False] * len(given)]
    return Sample(prompt_ids=prompt_ids, token_ids=tuple(ids), mask=() if all(mask) else tuple(mask))


def _ask(host: Host, call: Call) -> Any:
    (future,) = host.ask([call])
    answer = future.result()
    if isinstance(answer, Verdict):
        raise ValueError(f"a worked episode of {call.problem.id} cannot be played: {answer.why}")
    return answer
