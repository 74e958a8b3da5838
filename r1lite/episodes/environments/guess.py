"""A number is guessed: each wrong guess is answered by whether the number is higher or lower."""

from __future__ import annotations

from collections.abc import Sequence

from r1lite.episodes import Episode, episode
from r1lite.text.response import last_answer
from r1lite.types import Message, Problem


@episode("guess")
class Guess(Episode):
    """Ends with the right guess, or after `tries` of them. The rule `answer` scores the last guess."""

    def __init__(self, *, tries: int = 5) -> None:
        if tries < 1:
            raise ValueError(f"episode.tries must be at least 1, got {tries}")
        self.left = tries

    def reset(self, problem: Problem) -> str | Sequence[Message]:
        self.secret = int(problem.answer)
        return problem.prompt

    def step(self, reply: str) -> str | None:
        self.left -= 1
        guess = last_answer(reply) or ""
        if not self.left or guess == str(self.secret):
            return None
        if not (guess.isascii() and guess.isdecimal() and len(guess) < 10):
            return "no number"
        return "higher" if int(guess) < self.secret else "lower"
