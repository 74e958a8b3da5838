"""Asking a real server that misbehaves."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from endpoints import Handler, serving, settings

from r1lite.endpoint.client import Question, Unanswered
from r1lite.endpoint.completion import Answer, EndpointError, Retryable, address, api_key, as_answer
from r1lite.endpoint.rate_limit import RateLimiter, backoff_seconds, retry_after
from r1lite.teaching.teacher import endpoint_of

KEY = "sk-very-secret"


def questions(count: int) -> list[Question]:
    return [Question(key=str(i), messages=({"role": "user", "content": f"question {i}"},)) for i in range(count)]


def asked(server: Any, count: int = 1, **changes: Any) -> dict[str, Answer | Unanswered]:
    return {got.key: got for got in endpoint_of(settings(server.url, **changes)).ask(questions(count))}


def echo(handler: Handler, body: dict[str, Any]) -> None:
    handler.answer(body["messages"][-1]["content"].upper())


def test_every_question_gets_its_own_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", KEY)
    with serving(echo) as server:
        found = asked(server, 12, concurrency=4, api_key_env="SOME_KEY", extra={"top_p": 0.9})
    assert {k: got.content for k, got in found.items() if isinstance(got, Answer)} == {str(i): f"QUESTION {i}" for i in range(12)}
    assert {"model": "wise", "temperature": 0.5, "max_tokens": 64, "top_p": 0.9}.items() <= server.asked[0].items()
    assert {headers["Authorization"] for headers in server.headers} == {f"Bearer {KEY}"}
    assert len(server.asked) == 12


def test_a_proxy_is_not_asked_for_a_server_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    with serving(echo) as server:
        (got,) = asked(server).values()
    assert isinstance(got, Answer)


FAULTS = {
    "500": lambda h: h.say(500, b"oh"),
    "429 at once": lambda h: h.say(429, Retry_After="0"),
    "429 later": lambda h: h.say(429, Retry_After="0.2"),
    "reset in mid-body": lambda h: h.reset_in_mid_body(),
    "half a body": lambda h: h.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"choices": ['),
    "not JSON": lambda h: h.say(200, b"<html>busy</html>"),
    "not an answer": lambda h: h.say(200, b'{"choices": []}'),
    "JSON of nothing": lambda h: h.say(200, b"null"),
    "no body": lambda h: h.say(200),
    "no HTTP": lambda h: h.wfile.write(b"hello\r\n\r\n"),
    "nothing": lambda h: None,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_goes_wrong_twice_goes_well_the_third_time(fault: str) -> None:
    def behave(handler: Handler, body: dict[str, Any]) -> None:
        if handler.number < 2:
            FAULTS[fault](handler)
        else:
            echo(handler, body)

    with serving(behave) as server:
        (got,) = asked(server).values()
    assert isinstance(got, Answer)
    assert got.content == "QUESTION 0"
    assert len(server.asked) == 3


@pytest.mark.parametrize("how", ["hang", "drip"])
def test_whoever_never_ends_is_left(how: str) -> None:
    def behave(handler: Handler, body: dict[str, Any]) -> None:
        getattr(handler, how)() if handler.number == 0 else echo(handler, body)

    with serving(behave) as server:
        (got,) = asked(server, timeout=0.3).values()
    assert isinstance(got, Answer)
    assert len(server.asked) == 2


def test_one_poisoned_question_costs_itself_alone() -> None:
    def behave(handler: Handler, body: dict[str, Any]) -> None:
        text = body["messages"][-1]["content"]
        {"question 1": lambda: handler.say(500), "question 2": lambda: handler.say(400, b"too long")}.get(
            text, lambda: echo(handler, body)
        )()

    with serving(behave) as server:
        found = asked(server, 8, retries=2)
    assert sorted(k for k, got in found.items() if isinstance(got, Answer)) == ["0", *"34567"]
    assert found["1"] == Unanswered(key="1", why="HTTP 500", refused=False)
    assert found["2"] == Unanswered(key="2", why="HTTP 400: too long", refused=True)
    assert sum(body["messages"][-1]["content"] == "question 1" for body in server.asked) == 3
    assert sum(body["messages"][-1]["content"] == "question 2" for body in server.asked) == 1


def gone(behave: Any, count: int = 40, **changes: Any) -> tuple[str, list[Any], Any]:
    """What is said at the end, what had come before, and the server."""
    with serving(behave) as server:
        came: list[Any] = []
        answers = endpoint_of(settings(server.url, **changes)).ask(questions(count))
        with pytest.raises(EndpointError) as error:
            came.extend(answers)
    return str(error.value), came, server


def test_an_endpoint_that_dies_gives_what_it_had_and_its_last_words() -> None:
    def behave(handler: Handler, body: dict[str, Any]) -> None:
        echo(handler, body) if handler.number < 6 else handler.say(503, b"closed")

    said, came, server = gone(behave, retries=1)
    assert said == "HTTP 503: closed (3 requests in a row, each tried 2 times)"
    assert sum(isinstance(got, Answer) for got in came) == 6
    assert len(server.asked) < 6 + 2 * 6  # most of the forty were never sent


def test_nobody_there() -> None:
    with serving(echo) as server:
        url = server.url
    with pytest.raises(EndpointError, match=r"ConnectionRefusedError: .* \(3 requests in a row, each tried 2 times\)"):
        list(endpoint_of(settings(url, retries=1)).ask(questions(9)))


@pytest.mark.parametrize("status", [301, 401, 402, 403, 404])
def test_what_no_retry_mends_is_said_at_once(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", KEY)

    def behave(handler: Handler, body: dict[str, Any]) -> None:
        handler.say(status, f"no entry with {KEY}".encode(), Location="http://127.0.0.1:1/")

    said, _, server = gone(behave, api_key_env="SOME_KEY", concurrency=1)
    assert said == f"HTTP {status}: no entry with *** (check teacher.url, teacher.model and the key in teacher.api_key_env)"
    assert len(server.asked) == 1


def test_an_endpoint_that_refuses_everything_is_given_up() -> None:
    said, came, server = gone(lambda handler, body: handler.say(422, b"unknown field"), concurrency=1)
    assert said == "it refuses every request: HTTP 422: unknown field"
    assert len(came) == 8
    assert len(server.asked) <= 10


def test_what_takes_longer_than_all_may_take_is_left_out() -> None:
    def behave(handler: Handler, body: dict[str, Any]) -> None:
        handler.hang() if body["messages"][-1]["content"] == "question 1" else echo(handler, body)

    with serving(behave) as server:
        outcomes = endpoint_of(settings(server.url, concurrency=3)).ask(questions(3), seconds=2.0)
        assert sorted(got.key for got in outcomes) == ["0", "2"]


def test_who_stops_listening_stops_the_asking() -> None:
    with serving(echo) as server:
        answers = endpoint_of(settings(server.url, concurrency=1, requests_per_minute=60_000)).ask(questions(5000))
        assert isinstance(next(answers), Answer)
        answers.close()  # pyright: ignore[reportAttributeAccessIssue]
        workers = [t for t in threading.enumerate() if t.name == "endpoint"]
        for worker in workers:
            worker.join(10)
        assert workers
        assert not any(worker.is_alive() for worker in workers)
        assert len(server.asked) < 5000


class Clock:
    """Time that passes only where somebody waits; stands in for the event as well."""

    def __init__(self) -> None:
        self.now, self.waits = 100.0, []

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(round(seconds, 6))
        self.now += seconds

    def is_set(self) -> bool:
        return False


def test_so_many_a_minute_and_silence_where_it_is_asked_for() -> None:
    clock = Clock()
    limiter = RateLimiter(120, clock)
    starts = []
    for i in range(5):
        if i == 3:
            limiter.hold(7.0)
        assert limiter.wait(clock)  # pyright: ignore[reportArgumentType]
        starts.append(round(clock.now - 100, 6))
    assert starts == [0.0, 0.5, 1.0, 8.0, 8.5]
    free = RateLimiter(0, clock)
    assert all(free.wait(clock) for _ in range(100))  # pyright: ignore[reportArgumentType]
    assert clock.waits == [0.5, 0.5, 7.0, 0.5]


def test_pauses_double_with_jitter_and_never_undercut_the_server() -> None:
    assert [backoff_seconds(i, 1.0, 0.0, 1.0) for i in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert backoff_seconds(3, 1.0, 0.0, 0.0) == 4.0
    assert backoff_seconds(0, 1.0, 30.0, 0.7) == 30.0
    assert backoff_seconds(5, 1.0, 3.0, 0.5) == 24.0


def test_retry_after_is_seconds_or_a_date() -> None:
    now = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
    given = ["7", "0.5", "-3", "Fri, 20 Nov 2026 12:00:42 GMT", "Fri, 20 Nov 2026 11:00:00 GMT", "soon", "nan", None, "1e9"]
    assert [retry_after(header, now) for header in given] == [7, 0.5, 0, 42, 0, 0, 0, 0, 3600]


def test_answers_in_all_their_shapes() -> None:
    def parsed(message: str, more: str = "") -> Answer:
        return as_answer("k", f'{{"choices": [{{"message": {message}, "finish_reason": "length"}}]{more}}}'.encode())

    assert parsed('{"content": "a", "reasoning_content": "r"}') == Answer(key="k", content="a", reasoning="r", finish="length")
    assert parsed('{"content": null, "reasoning": "r"}') == Answer(key="k", content="", reasoning="r", finish="length")
    assert parsed('{"content": [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}]}').content == "ab"
    told = parsed('{"content": "a"}', ', "usage": {"prompt_tokens": 3, "completion_tokens": "many"}')
    assert (told.tokens_in, told.tokens_out) == (3, None)
    for bad in ("[]", '"text"', "3", '{"content": [3]}'):
        with pytest.raises(Retryable, match="the answer is not a chat completion"):
            parsed(bad)
    with pytest.raises(Retryable):
        as_answer("k", b"[" * 100_000)


def test_addresses_and_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    assert address("http://a/v1/") == "http://a/v1/chat/completions"
    assert address("http://a/x/chat/completions?api-version=3") == "http://a/x/chat/completions?api-version=3"
    assert api_key("teacher", "") == ""
    monkeypatch.delenv("SOME_KEY", raising=False)
    with pytest.raises(ValueError, match=r"teacher\.api_key_env=SOME_KEY, but there is no such environment variable"):
        api_key("teacher", "SOME_KEY")
    monkeypatch.setenv("SOME_KEY", f" {KEY}\n")
    assert api_key("teacher", "SOME_KEY") == KEY
    monkeypatch.setenv("SOME_KEY", f"{KEY}\nX-Evil: 1")
    with pytest.raises(ValueError, match="is not a valid key") as error:
        api_key("teacher", "SOME_KEY")
    assert KEY not in str(error.value)
