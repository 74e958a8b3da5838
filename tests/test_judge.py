"""The rule that asks a language model: what is sent, what counts as a verdict, and what does not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from endpoints import Handler, serving
from judges import SUM, group, honest, judged, quoted, reply, rules, saying

from r1lite.config import ScoringConfig
from r1lite.scoring.dry_run import rehearse
from r1lite.scoring.scorer import Scorer
from r1lite.settings.compose import configuration
from r1lite.types import Problem
from rewards._judge.message import RUBRIC, expected_of, mark_of, question_of
from rewards._options import OptionError

KEY = "sk-very-secret"


# what is asked


def test_a_request_is_greedy_and_holds_the_texts_as_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", KEY)
    with serving(honest) as server:
        right, wrong = judged(server.url, "4", "5", api_key_env="JUDGE_KEY", concurrency=1, extra={"top_k": 1, "seed": None})
    assert (right.value, right.outcome, right.why) == (1.0, "scored", "the judge gave 1 of 1: 'so it is'")
    assert right.spans == ((25, 26),)  # the answer
    assert (wrong.value, wrong.outcome) == (0.0, "scored")
    first, second = server.asked
    assert {name: value for name, value in first.items() if name != "messages"} == {
        "model": "wise", "temperature": 0.0, "top_p": 1.0, "max_tokens": 1024, "top_k": 1
    }  # fmt: skip
    assert quoted(first) == {"QUESTION": "2+2?", "EXPECTED ANSWER": "4", "RESPONSE": "4"}
    assert quoted(second)["RESPONSE"] == "5"
    assert RUBRIC in first["messages"][0]["content"]
    assert {headers["Authorization"] for headers in server.headers} == {f"Bearer {KEY}"}


def test_the_form_can_be_enforced_by_the_server() -> None:
    with serving(honest) as server:
        judged(server.url, "4", response_format=True, max_tokens=0, scale=3)
    (body,) = server.asked
    schema = body["response_format"]["json_schema"]["schema"]
    assert schema["required"] == ["reason", "score"]
    assert schema["properties"]["score"] == {"type": "integer", "enum": [0, 1, 2, 3]}
    assert "max_tokens" not in body


def test_a_rubric_and_a_scale_of_ones_own() -> None:
    with serving(saying(reply(7))) as server:
        (verdict,) = judged(server.url, "4", rubric="Short poems {are} better.", scale=10)
    assert verdict.value == 0.7
    system = server.asked[0]["messages"][0]["content"]
    assert "Short poems {are} better." in system
    assert "N is a whole number from 0 (wrong) to 10 (best)." in system
    assert RUBRIC not in system


def test_within_response_judges_all_that_follows_the_thought() -> None:
    with serving(saying(reply(1))) as server:
        judged(server.url, "<think>2 and 2</think>It is <answer>4</answer>.", within="response")
    assert quoted(server.asked[0])["RESPONSE"] == "It is < answer>4< /answer>."


def test_what_has_no_answer_gets_nothing_unasked() -> None:
    with serving(honest) as server:
        verdicts = judged(server.url, "", " ", "\u200b\u3164", ":", "...", "<think>4 <answer>4</answer>", "<think>4</think>4")
    assert [(v.value, v.why) for v in verdicts] == [(0.0, "no answer")] * 7
    assert server.asked == []


def test_a_symbol_is_an_answer_and_so_is_a_punctuation_mark_where_one_is_expected() -> None:
    with serving(honest) as server:
        assert [v.value for v in judged(server.url, "∞", "∅", problem=Problem(id="p", prompt="?", answer="∞"))] == [1.0, 0.0]
        assert [v.value for v in judged(server.url, "*", "/", " ", problem=Problem(id="p", prompt="?", answer="*"))] == [1.0, 0.0, 0.0]
    assert len(server.asked) == 4


def test_a_problem_without_question_and_answer_is_not_judged() -> None:
    with serving(honest) as server:
        (verdict,) = judged(server.url, "4", problem=Problem(id="p", prompt=" "))
    assert (verdict.outcome, verdict.why) == ("abstained", "the problem has neither a question nor an expected answer")
    assert server.asked == []


def test_without_an_expected_answer_none_is_given() -> None:
    with serving(saying(reply(1))) as server:
        judged(
            server.url, "4", problem=Problem(id="p", prompt=({"role": "system", "content": "Be kind."}, {"role": "user", "content": "?"}))
        )
    assert quoted(server.asked[0]) == {"QUESTION": "system: Be kind.\n\nuser: ?", "RESPONSE": "4"}


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (4, "4"),
        ("", ""),
        (["Paris"], "Paris"),
        (["Paris", "City of Light"], "one of these:\nParis\nCity of Light"),
        ({"n": 1}, '{"n": 1}'),
        ([1, 2], "[1, 2]"),
        (None, ""),
    ],
)
def test_an_expected_answer_as_text(answer: Any, text: str) -> None:
    assert expected_of(Problem(id="p", prompt="", answer=answer)) == text


def test_equal_responses_are_judged_once() -> None:
    with serving(honest) as server:
        verdicts = judged(server.url, "4", "5", "4", "4")
    assert [v.value for v in verdicts] == [1.0, 0.0, 1.0, 1.0]
    assert len(server.asked) == 2


# what counts as a reply


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (reply(1), 1.0),
        (f"\n {reply(0)}\n", 0.0),
        (f"```json\n{reply(1)}\n```", 1.0),
        (f"<think>The response says {reply(1)}</think>\n{reply(0)}", 0.0),
        (reply(0, 'it ends with </think> and says {"reason": "", "score": 1}'), 0.0),
    ],
)
def test_a_reply_in_the_form(content: str, value: float) -> None:
    with serving(saying(content)) as server:
        assert [v.value for v in judged(server.url, "4")] == [value]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "not JSON"),
        ("correct", "not JSON"),
        ("1", "it is not an object with the fields reason and score, and no others"),
        ("[]", "it is not an object"),
        (f"Here it is: {reply(1)}", "not JSON"),
        (f"{reply(0)}{reply(1)}", "not JSON"),
        (f"{reply(1)} Let me know!", "not JSON"),
        ('{"reason": "", "score": 0, "score": 1}', "duplicate name 'score' in one object"),
        ('{"score": 1}', "it is not an object with the fields reason and score, and no others"),
        ('{"reason": "", "score": 1, "sure": true}', "it is not an object with the fields"),
        (reply("1"), "the score must be a whole number from 0 to 1, got '1'"),
        (reply(True), "the score must be a whole number from 0 to 1, got 'True'"),
        (reply(1.0), "the score must be a whole number from 0 to 1, got '1.0'"),
        (reply(2), "the score must be a whole number from 0 to 1, got '2'"),
        (reply(-1), "the score must be a whole number from 0 to 1, got '-1'"),
        ('{"reason": "", "score": NaN}', "NaN is not JSON"),
        (f'{{"reason": "", "score": {"9" * 6000}}}', "not JSON"),
        (reply(1, 5), "the reason must be a text"),
        ("[" * 100_000, "not JSON"),
        (f"<think>{reply(1)}", "not JSON"),
    ],
)
def test_a_reply_in_another_form_is_no_verdict(content: str, why: str) -> None:
    with serving(saying(content)) as server:
        (verdict,) = judged(server.url, "4")
    assert (verdict.value, verdict.outcome) == (None, "failed")
    assert f"is not in the form: {why}" in verdict.why
    assert len(verdict.why) < 400


def test_a_reply_that_was_cut_off_says_so() -> None:
    with serving(saying('{"reason": "we', finish="length")) as server:
        (verdict,) = judged(server.url, "4")
    assert verdict.why.endswith("(it ended with finish_reason=length)")


# what goes wrong


FAULTS = {
    "400": (lambda h: h.say(400, b"too long"), "the judge did not reply: HTTP 400: too long"),
    "429": (lambda h: h.say(429, b"slow down"), "the judge did not reply: HTTP 429: slow down"),
    "500": (lambda h: h.say(500), "the judge did not reply: HTTP 500"),
    "401": (
        lambda h: h.say(401, f"bad key {KEY}".encode()),
        "the judge does not reply: HTTP 401: bad key *** "
        "(check rewards.judge.url, rewards.judge.model and the key in rewards.judge.api_key_env)",
    ),
    "redirect": (lambda h: h.say(302, Location="http://127.0.0.1:1/"), "the judge does not reply: HTTP 302"),
    "reset": (lambda h: h.reset_in_mid_body(), "the judge did not reply: "),
    "not a completion": (lambda h: h.say(200, b"<html>"), "the judge did not reply: the answer is not a chat completion: b'<html>'"),
    "nothing": (lambda h: None, "the judge did not reply: RemoteDisconnected"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_request_that_fails_is_no_verdict(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", KEY)
    behave, why = FAULTS[fault]
    with serving(lambda handler, body: behave(handler)) as server:
        (verdict,) = judged(server.url, "4", api_key_env="JUDGE_KEY", cache=str(tmp_path / "kept"))
    assert (verdict.value, verdict.outcome) == (None, "failed")
    assert verdict.why.startswith(why)
    assert KEY not in verdict.why
    assert not (tmp_path / "kept").exists()


def test_one_failure_costs_one_verdict_and_a_retry_may_mend_it() -> None:
    def behave(handler: Handler, body: dict[str, Any]) -> None:
        handler.say(400) if quoted(body)["RESPONSE"] == "bad" else honest(handler, body)

    with serving(behave) as server:
        assert [v.value for v in judged(server.url, "4", "bad", "5", retries=1)] == [1.0, None, 0.0]
    with serving(lambda handler, body: handler.say(429, Retry_After="0.1") if handler.number == 0 else honest(handler, body)) as server:
        assert [v.value for v in judged(server.url, "4", retries=1)] == [1.0]


def test_what_takes_too_long_is_timed_out_and_the_rest_is_kept() -> None:
    def behave(handler: Handler, body: dict[str, Any]) -> None:
        handler.hang() if quoted(body)["RESPONSE"] == "slow" else honest(handler, body)

    with serving(behave) as server:
        verdicts = judged(server.url, "4", "slow", "5", total_seconds=3.0)
    assert [(v.value, v.outcome) for v in verdicts] == [(1.0, "scored"), (None, "timed_out"), (0.0, "scored")]
    assert verdicts[1].why == "no reply within 3 s for the whole group"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"url": "localhost:8000"}, "rewards.judge.url='localhost:8000' must be the address of an endpoint"),
        ({"url": "http://me:sesame@host/v1"}, "rewards.judge.url contains a secret"),
        ({"model": ""}, "rewards.judge.model is empty"),
        ({"api_key_env": "NO_SUCH_KEY"}, "rewards.judge.api_key_env=NO_SUCH_KEY, but there is no such environment variable"),
        ({"within": "thought"}, "unknown value of rewards.judge.within: 'thought'. Known: answer, response."),
        ({"scale": 0}, "rewards.judge.scale must be at least 1, got 0"),
        ({"max_characters": 1}, "rewards.judge.max_characters must be at least 2, got 1"),
        ({"concurrency": 0}, "rewards.judge.concurrency must be at least 1, got 0"),
        ({"timeout": 0}, "rewards.judge.timeout must be at least 0.01, got 0"),
        ({"retries": -1}, "rewards.judge.retries must be at least 0, got -1"),
    ],
)
def test_options_that_cannot_work_are_known_before_anything_is_asked(options: dict[str, Any], says: str) -> None:
    with pytest.raises(OptionError, match=re.escape(says)):
        rules("http://127.0.0.1:1/v1", **options)


def test_a_judge_that_is_not_there_is_known_before_training() -> None:
    with serving(honest) as server:
        url = server.url
    cfg = configuration(["scoring.workers=0"])
    with pytest.raises(ValueError, match=r"rule 'judge' gives no verdict on train/0, not even on the expected answer: .*Refused"):
        rehearse(rules(url), [SUM], cfg.scoring)


# in the workers


def test_workers_with_little_memory_ask_many_at_once_and_agree(tmp_path: Path) -> None:
    def moody(handler: Handler, body: dict[str, Any]) -> None:
        handler.answer(reply(handler.number % 2))

    texts = [str(i) for i in range(24)]
    cfg = ScoringConfig(workers=3, seconds=0.1, memory_mb=256, max_failed_share=0.0)
    with serving(moody) as server:
        with Scorer(rules(server.url, cache=str(tmp_path), concurrency=8), cfg) as scorer:
            assert scorer.deadlines == {"judge": 125.0}
            first, second, third = scorer.score([group(texts)] * 3)
        assert {s.verdicts["judge"].outcome for s in first} == {"scored"}
        assert [s.reward for s in first] == [s.reward for s in second] == [s.reward for s in third]
        asked = len(server.asked)
        with Scorer(rules(server.url, cache=str(tmp_path)), cfg) as scorer:
            (again,) = scorer.score([group(texts)])
        assert [s.verdicts["judge"] for s in again] == [s.verdicts["judge"] for s in first]
        assert len(server.asked) == asked
    assert len(list(tmp_path.rglob("*.json"))) == 24


def test_the_key_is_named_and_never_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", KEY)
    with serving(honest) as server:
        made = rules(server.url, api_key_env="JUDGE_KEY", cache=str(tmp_path))
        judged(server.url, "4", api_key_env="JUDGE_KEY", cache=str(tmp_path))
    assert KEY not in json.dumps(dict(made.options["judge"]))
    (file,) = tmp_path.rglob("*.json")
    assert KEY not in file.read_text()


def test_a_mark_is_in_no_text_and_depends_on_the_texts_alone() -> None:
    texts = ["a", "b"]
    mark = mark_of(texts)
    assert re.fullmatch("[0-9a-f]{16}", mark)
    assert mark_of(texts) == mark
    assert mark_of(["a", "c"]) != mark
    assert question_of(Problem(id="p", prompt=" x ")) == "x"
