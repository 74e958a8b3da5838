"""Asking an OpenAI-compatible endpoint: many requests at once, paced, retried, and given up with a reason."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from r1lite.config import TeacherConfig
from r1lite.teaching.endpoint.completion import Answer, Gone, Refused, Server, Trouble, api_key
from r1lite.teaching.endpoint.rate_limit import Pace, pause
from r1lite.types import Message

GIVE_UP = 3  # requests in a row whose retries are used up: from then on nobody is thought to be there
REFUSED = 8  # before anything was answered: then it is not the questions


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    key: str
    messages: tuple[Message, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Unanswered:
    key: str
    why: str
    refused: bool  # this question, and so for good; else the retries are used up


class Endpoint:
    """Threads that ask; answers come as they come."""

    def __init__(self, cfg: TeacherConfig) -> None:
        self.cfg = cfg
        self.server = Server(cfg.url, api_key(cfg.api_key_env), cfg.timeout)
        self.pace = Pace(cfg.requests_per_minute)

    def ask(self, questions: Sequence[Question]) -> Iterator[Answer | Unanswered]:
        """One of the two for every question. Gone where going on makes no sense, after everything that had come."""
        waiting: SimpleQueue[Question] = SimpleQueue()
        found: SimpleQueue[Answer | Unanswered | Exception] = SimpleQueue()
        for question in questions:
            waiting.put(question)
        stop = threading.Event()
        for _ in range(min(self.cfg.concurrency, len(questions))):  # daemons: whoever interrupts the run waits for no answer
            threading.Thread(target=self._work, args=(waiting, found, stop), daemon=True).start()
        hope = Hope(self.cfg.retries + 1)
        try:
            for _ in questions:
                got = found.get()
                if not isinstance(got, Exception):
                    yield got
                failure = got if isinstance(got, Exception) else hope.lost_with(got)
                if failure is not None:
                    yield from _arrived(found)
                    raise failure
        finally:
            stop.set()

    def _work(self, waiting: SimpleQueue[Question], found: SimpleQueue[Any], stop: threading.Event) -> None:
        try:
            while not stop.is_set():
                found.put(self._answered(waiting.get_nowait(), stop))
        except Empty:
            return
        except Exception as error:  # raised again where the answers are taken
            found.put(error)

    def _answered(self, question: Question, stop: threading.Event) -> Answer | Unanswered:
        why = "stopped"
        for attempt in range(self.cfg.retries + 1):
            if not self.pace.wait(stop):
                break
            try:
                return self.server.complete(question.key, self._fields(question))
            except Refused as error:
                return Unanswered(key=question.key, why=str(error), refused=True)
            except Trouble as error:
                why = str(error)
                self.pace.hold(error.wait)  # what one is told holds for all
                if attempt < self.cfg.retries:
                    stop.wait(pause(attempt, self.cfg.backoff, error.wait, random.random()))
        return Unanswered(key=question.key, why=why, refused=False)

    def _fields(self, question: Question) -> dict[str, Any]:
        fields: dict[str, Any] = {"model": self.cfg.model, "messages": list(question.messages), "temperature": self.cfg.temperature}
        if self.cfg.max_tokens:
            fields["max_tokens"] = self.cfg.max_tokens
        return fields | self.cfg.extra


class Hope:
    """Whether there is still somebody there."""

    def __init__(self, tries: int) -> None:
        self.tries, self.answered, self.lost, self.refused = tries, False, 0, 0

    def lost_with(self, got: Answer | Unanswered) -> Gone | None:
        """What to say where there is none any more."""
        if isinstance(got, Answer):
            self.answered, self.lost = True, 0
            return None
        if got.refused:
            self.refused += 1
        else:
            self.lost += 1
        if self.lost >= GIVE_UP:
            return Gone(f"{got.why} ({GIVE_UP} requests in a row, each tried {self.tries} times)")
        if self.refused >= REFUSED and not self.answered:
            return Gone(f"it refuses all that it is asked: {got.why}")
        return None


def _arrived(found: SimpleQueue[Any]) -> Iterator[Answer | Unanswered]:
    """What lies in the queue at this moment."""
    while not found.empty():
        got = found.get()
        if not isinstance(got, Exception):
            yield got
