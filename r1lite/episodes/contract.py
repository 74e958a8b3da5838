"""What an environment is, and the registry of environments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from r1lite.registry import Registry
from r1lite.types import Message, Problem

T = TypeVar("T", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Insert:
    """Text that is written into the response, where the model stopped; the model goes on after it. For tags in a response."""

    text: str


Answer = Insert | Sequence[Message] | str | None  # text alone is a message of the user; None ends the episode


class Episode:
    """The base of environments. Any class with `reset` and `step` will do; this one has a default for everything else."""

    stop: tuple[str, ...] = ()  # strings that end a turn, besides the end token
    seconds: float = 0.0  # deadline of a step, if that is more than scoring.seconds

    def reset(self, problem: Problem) -> str | Sequence[Message]:
        """Begin with a problem; return the first messages, which are the same for all rollouts of the problem."""
        return problem.prompt

    def step(self, reply: str) -> Answer:
        """Answer the model's turn, given as its whole text with the thought; None ends the episode."""
        raise NotImplementedError


episodes: Registry[Callable[..., Any], None] = Registry("episode", "r1lite.episodes.environments", supplied=("rules",))


def episode(name: str) -> Callable[[T], T]:
    """Register an environment: `@episode("guess")`. Its options are checked against the signature, as those of tasks are."""

    def register(made: T) -> T:
        episodes.register(name, made, None)
        return made

    return register


def say(content: str) -> list[Message]:
    """One message of the user."""
    return [{"role": "user", "content": content}]
