"""Client of an OpenAI-compatible endpoint: concurrent requests with a rate limit, retries, and a reason for each failure."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from r1lite.config import TeacherConfig
from r1lite.teaching.endpoint.completion import Answer, EndpointError, RequestRefused, Retryable, Server, api_key
from r1lite.teaching.endpoint.rate_limit import RateLimiter, backoff_seconds
from r1lite.types import Message

MAX_LOST = 3  # requests in a row that used up their retries: then the endpoint counts as unreachable
MAX_REFUSED = 8  # refused requests before the first answer: then the settings are wrong, not the questions


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One request."""

    key: str
    messages: tuple[Message, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Unanswered:
    """A request that failed."""

    key: str
    why: str
    refused: bool  # True: the endpoint will never answer this question. False: the retries are used up


Outcome = Answer | Unanswered


class Endpoint:
    """Asks questions from several threads."""

    def __init__(self, cfg: TeacherConfig) -> None:
        self.cfg = cfg
        self.server = Server(cfg.url, api_key(cfg.api_key_env), cfg.timeout)
        self.limiter = RateLimiter(cfg.requests_per_minute)

    def ask(self, questions: Sequence[Question]) -> Iterator[Outcome]:
        """The outcome of each question, in order of arrival. If the endpoint stops answering, EndpointError after the last outcome."""
        pending: SimpleQueue[Question] = SimpleQueue()
        outcomes: SimpleQueue[Outcome | Exception] = SimpleQueue()
        for question in questions:
            pending.put(question)
        stop = threading.Event()
        for _ in range(min(self.cfg.concurrency, len(questions))):  # daemon threads: an interrupted run does not wait for answers
            threading.Thread(target=self._work, args=(pending, outcomes, stop), daemon=True).start()
        failures = FailureCount(self.cfg.retries + 1)
        try:
            for _ in questions:
                outcome = outcomes.get()
                if not isinstance(outcome, Exception):
                    yield outcome
                error = outcome if isinstance(outcome, Exception) else failures.add(outcome)
                if error is not None:
                    yield from _drain(outcomes)
                    raise error
        finally:
            stop.set()

    def _work(self, pending: SimpleQueue[Question], outcomes: SimpleQueue[Outcome | Exception], stop: threading.Event) -> None:
        try:
            while not stop.is_set():
                outcomes.put(self._complete(pending.get_nowait(), stop))
        except Empty:
            return
        except Exception as error:  # raised again in `ask`
            outcomes.put(error)

    def _complete(self, question: Question, stop: threading.Event) -> Outcome:
        why = "stopped"
        for attempt in range(self.cfg.retries + 1):
            if not self.limiter.wait(stop):
                break
            try:
                return self.server.complete(question.key, self._fields(question))
            except RequestRefused as error:
                return Unanswered(key=question.key, why=str(error), refused=True)
            except Retryable as error:
                why = str(error)
                self.limiter.hold(error.wait)  # a Retry-After applies to all threads
                if attempt < self.cfg.retries:
                    stop.wait(backoff_seconds(attempt, self.cfg.backoff, error.wait, random.random()))
        return Unanswered(key=question.key, why=why, refused=False)

    def _fields(self, question: Question) -> dict[str, Any]:
        fields: dict[str, Any] = {"model": self.cfg.model, "messages": list(question.messages), "temperature": self.cfg.temperature}
        if self.cfg.max_tokens:
            fields["max_tokens"] = self.cfg.max_tokens
        return fields | self.cfg.extra


class FailureCount:
    """Counts failed requests, to notice when the endpoint as a whole has failed."""

    def __init__(self, tries: int) -> None:
        self.tries, self.answered, self.lost, self.refused = tries, False, 0, 0

    def add(self, outcome: Outcome) -> EndpointError | None:
        """The error to raise if this outcome is one failure too many."""
        if isinstance(outcome, Answer):
            self.answered, self.lost = True, 0
            return None
        if outcome.refused:
            self.refused += 1
        else:
            self.lost += 1
        if self.lost >= MAX_LOST:
            return EndpointError(f"{outcome.why} ({MAX_LOST} requests in a row, each tried {self.tries} times)")
        if self.refused >= MAX_REFUSED and not self.answered:
            return EndpointError(f"it refuses every request: {outcome.why}")
        return None


def _drain(outcomes: SimpleQueue[Outcome | Exception]) -> Iterator[Outcome]:
    """The outcomes that are already in the queue."""
    while not outcomes.empty():
        outcome = outcomes.get()
        if not isinstance(outcome, Exception):
            yield outcome
