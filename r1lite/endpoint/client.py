"""Client of an OpenAI-compatible endpoint: concurrent requests with a rate limit, retries, and a reason for each failure."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from r1lite.endpoint.completion import Answer, EndpointError, RequestRefused, Retryable, Server, api_key
from r1lite.endpoint.rate_limit import RateLimiter, backoff_seconds
from r1lite.types import Message

MAX_LOST = 3  # requests in a row that used up their retries: then the endpoint counts as unreachable
MAX_REFUSED = 8  # refused requests before the first answer: then the settings are wrong, not the questions


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """How an endpoint is reached. None of it changes an answer."""

    section: str  # of the settings that errors name, such as teacher
    url: str  # up to its version, such as http://localhost:8000/v1
    api_key_env: str  # the environment variable that holds the key; empty sends none
    timeout: float  # seconds of one request
    retries: int  # of one request, before it is given up
    concurrency: int  # requests under way at once
    backoff: float = 1.0  # seconds before the first retry, doubled with each
    requests_per_minute: float = 0.0  # 0 is no limit


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
    """Asks questions from several threads. `fields` are those of every request besides its messages, such as the model."""

    def __init__(self, connection: Connection, fields: Mapping[str, Any]) -> None:
        self.connection, self.fields = connection, fields
        self.server = Server(connection.url, api_key(connection.section, connection.api_key_env), connection.timeout, connection.section)
        self.limiter = RateLimiter(connection.requests_per_minute)

    def ask(self, questions: Sequence[Question], *, seconds: float | None = None) -> Iterator[Outcome]:
        """The outcome of each question, in order of arrival; those that take longer than `seconds` in all are left out.

        If the endpoint stops answering, EndpointError after the last outcome.
        """
        ends = None if seconds is None else time.monotonic() + seconds
        pending: SimpleQueue[Question] = SimpleQueue()
        outcomes: SimpleQueue[Outcome | Exception] = SimpleQueue()
        for question in questions:
            pending.put(question)
        stop = threading.Event()
        _start_threads(min(self.connection.concurrency, len(questions)), lambda: self._work(pending, outcomes, stop))
        failures = FailureCount(self.connection.retries + 1)
        try:
            for _ in questions:
                try:
                    outcome = outcomes.get(timeout=None if ends is None else max(0.0, ends - time.monotonic()))
                except Empty:
                    return
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
        why, retries = "stopped", self.connection.retries
        for attempt in range(retries + 1):
            if not self.limiter.wait(stop):
                break
            try:
                return self.server.complete(question.key, {"messages": list(question.messages), **self.fields})
            except RequestRefused as error:
                return Unanswered(key=question.key, why=str(error), refused=True)
            except Retryable as error:
                why = str(error)
                self.limiter.hold(error.wait)  # a Retry-After applies to all threads
                if attempt < retries:
                    stop.wait(backoff_seconds(attempt, self.connection.backoff, error.wait, random.random()))
        return Unanswered(key=question.key, why=why, refused=False)


def reserve_threads(count: int) -> None:
    """Start and end so many threads, before the memory of this process is capped: what the C library maps for them is used again."""
    ready = threading.Barrier(count + 1)

    def touch() -> None:
        bytearray(4096)  # large enough to come from the thread's own heap
        ready.wait()

    for _ in range(count):
        threading.Thread(target=touch, daemon=True).start()
    ready.wait()


def _start_threads(count: int, work: Callable[[], None]) -> None:
    """As many threads as there is memory for. Daemon threads: an interrupted run does not wait for answers."""
    for number in range(count):
        try:
            threading.Thread(target=work, name="endpoint", daemon=True).start()
        except RuntimeError:  # no memory for one more
            if number == 0:
                raise
            return


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
