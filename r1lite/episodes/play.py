"""Runs environments, inside a worker. An environment that the worker does not hold, because an earlier worker had to be ended, is
made again from what its model has written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from r1lite.episodes.contract import Answer, Insert, episodes
from r1lite.registry import load_plugins
from r1lite.types import Message, Problem, Verdict

Reply = Insert | tuple[Message, ...] | Verdict | None  # an answer in one form; a verdict says why there is none


@dataclass(frozen=True, kw_only=True, slots=True)
class Spec:
    """Which environment, with which options. Plain values, which are sent to workers."""

    name: str
    options: Mapping[str, Any]
    plugins: tuple[str, ...] = ()
    supplied: Mapping[str, Any] = field(default_factory=dict)  # what the trainer gives to environments that ask for it

    def make(self) -> Any:
        """A new environment."""
        return episodes[self.name](**self.options, **self.supplied)


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A step of one rollout's environment: the problem and all that the model has written so far."""

    key: str  # of the rollout
    problem: Problem
    replies: tuple[str, ...] = ()  # empty to begin


@dataclass(slots=True)
class _Held:
    environment: Any
    steps: int = 0


_held: dict[str, _Held] = {}


def play(spec: Spec, calls: Sequence[Call]) -> Iterator[Reply]:
    """The answer to each call, in order."""
    load_plugins(spec.plugins)
    for call in calls:
        yield answer(spec, call)


def answer(spec: Spec, call: Call) -> Reply:
    """The environment's answer. One that raises has failed, which says nothing about the model."""
    try:
        return _answer(spec, call)
    except (Exception, SystemExit) as error:  # an environment may be third-party code, and one rollout must not end a run
        _held.pop(call.key, None)
        return failed(spec, f"{type(error).__name__}: {error}")


def failed(spec: Spec, why: str) -> Verdict:
    return Verdict(value=None, why=f"episode {spec.name!r}: {why}", outcome="failed")


def forget() -> Iterator[None]:
    """Drop all environments, when no episode is in progress."""
    _held.clear()
    return iter(())


def _answer(spec: Spec, call: Call) -> Reply:
    held = _held.get(call.key)
    if held is None or held.steps != len(call.replies) - 1:
        environment = spec.make()
        first = in_one_form(environment.reset(call.problem))
        if not call.replies:
            return checked_start(first)
        held = _held[call.key] = _Held(environment)
        for reply in call.replies[:-1]:
            environment.step(reply)
    held.steps = len(call.replies)
    return in_one_form(held.environment.step(call.replies[-1]))


def checked_start(first: Reply) -> tuple[Message, ...]:
    if not isinstance(first, tuple):
        raise TypeError(f"reset returned {first!r}, but it returns the first messages")
    return first


def in_one_form(answer: Answer) -> Insert | tuple[Message, ...] | None:
    """What `reset` and `step` may return, as one of three things."""
    if answer is None:
        return None
    if isinstance(answer, Insert):
        return Insert(str(answer.text))
    if isinstance(answer, str):
        return ({"role": "user", "content": answer},)
    return tuple({"role": str(m["role"]), "content": str(m["content"])} for m in answer) or None
