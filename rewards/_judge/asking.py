"""The responses of a group, from the requests to the verdicts."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from r1lite.endpoint.client import Connection, Endpoint, Question
from r1lite.endpoint.completion import Answer, EndpointError, api_key, check_address
from r1lite.types import Message, Problem, Rollout, Verdict
from rewards._json import NotJson
from rewards._judge.cache import Cache
from rewards._judge.message import Sheet, digest, expected_of, question_of
from rewards._judge.reply import response_format, verdict_of
from rewards._options import OptionError, at_least, one_of
from rewards._text import BLANK, read, short

SECTION = "rewards.judge"
GREEDY = {"temperature": 0.0, "top_p": 1.0, "seed": 0}


@dataclass(frozen=True, kw_only=True, slots=True)
class Judge:
    """The options of the rule, in parts."""

    connection: Connection
    fields: str  # of every request besides its messages, as JSON
    sheet: Sheet
    within: str
    total_seconds: float
    cache: str

    def check(self, max_tokens: int) -> None:
        """Raise OptionError for options with which nothing can be judged."""
        one_of("judge", "within", self.within, ("answer", "response"))
        at_least("judge", "scale", self.sheet.scale, 1)
        at_least("judge", "max_characters", self.sheet.max_characters, 2)
        at_least("judge", "max_tokens", max_tokens, 0)
        at_least("judge", "concurrency", self.connection.concurrency, 1)
        at_least("judge", "retries", self.connection.retries, 0)
        at_least("judge", "timeout", self.connection.timeout, 0.01)
        at_least("judge", "total_seconds", self.total_seconds, 0.01)
        if not json.loads(self.fields).get("model"):
            raise OptionError("rewards.judge.model is empty: name one of the endpoint's models")
        try:
            check_address(SECTION, self.connection.url)
            api_key(SECTION, self.connection.api_key_env)
        except ValueError as error:
            raise OptionError(str(error)) from None

    def verdicts(self, problem: Problem, rollouts: Sequence[Rollout]) -> list[Verdict]:
        """One verdict per rollout. Equal responses are judged once."""
        texts = [read("judge", rollout, self.within) for rollout in rollouts]
        if not question_of(problem) and not expected_of(problem):
            return [Verdict(value=None, why="the problem has neither a question nor an expected answer")] * len(rollouts)
        judged = [text if text is not None and is_answer(text, expected_of(problem)) else None for text in texts]
        questions = [None if text is None else self._question(self.sheet.messages(problem, text)) for text in judged]
        found = self._outcomes([question for question in questions if question])
        nothing = Verdict(value=0.0, why=f"no {self.within}")
        return [nothing if q is None else self._with_notice(found[q.key], text or "") for q, text in zip(questions, judged, strict=True)]

    def _question(self, messages: tuple[Message, ...]) -> Question:
        """The key is a hash of the whole request, so a reply holds for the same request alone."""
        return Question(key=digest([self.fields, [dict(m) for m in messages]], bits=128), messages=messages)

    def _outcomes(self, questions: Sequence[Question]) -> dict[str, Verdict]:
        """The verdict of each question by its key, from the cache or from the endpoint."""
        saved = Cache(self.cache)
        missing: dict[str, Question] = {}
        found: dict[str, Verdict] = {}
        for question in questions:
            if answer := saved.get(question.key):
                found[question.key] = self._verdict(answer)
            else:
                missing[question.key] = question
        lost = Verdict(value=None, why=f"no reply within {self.total_seconds:g} s for the whole group", outcome="timed_out")
        try:
            for outcome in self._ask(list(missing.values())):
                if isinstance(outcome, Answer):
                    found[outcome.key] = self._verdict(saved.put(outcome))
                else:
                    found[outcome.key] = failed(f"the judge did not reply: {outcome.why}")
        except EndpointError as error:
            lost = failed(f"the judge does not reply: {error}")
        return dict.fromkeys(missing, lost) | found

    def _ask(self, questions: Sequence[Question]) -> Any:
        return endpoint(self.connection, self.fields).ask(questions, seconds=self.total_seconds) if questions else ()

    def _verdict(self, answer: Answer) -> Verdict:
        try:
            return verdict_of(answer.content, self.sheet.scale)
        except NotJson as error:
            end = f" (it ended with finish_reason={answer.finish})" if answer.finish != "stop" else ""
            return failed(f"the judge's reply {short(answer.content)} is not in the form: {error}{end}")

    def _with_notice(self, verdict: Verdict, text: str) -> Verdict:
        """The verdict; if the judge did not see the whole text, it says so."""
        if len(text) <= self.sheet.max_characters:
            return verdict
        why = f"{verdict.why}; it saw {self.sheet.max_characters} of {len(text)} characters"
        return Verdict(value=verdict.value, why=why, outcome=verdict.outcome)


@lru_cache(maxsize=4)
def endpoint(connection: Connection, fields: str) -> Endpoint:
    """One for all groups, so that a pause that it asks for holds for the next group as well."""
    return Endpoint(connection, json.loads(fields))


def fields_of(model: str, max_tokens: int, enforced_scale: int, extra: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of every request besides its messages."""
    fields: dict[str, Any] = {"model": model, **GREEDY}
    if max_tokens:
        fields["max_tokens"] = max_tokens
    if enforced_scale:
        fields["response_format"] = response_format(enforced_scale)
    return {name: value for name, value in (fields | dict(extra)).items() if value is not None}


def failed(why: str) -> Verdict:
    return Verdict(value=None, why=why, outcome="failed")


def is_answer(text: str, expected: str) -> bool:
    """Whether the text has a letter, a digit or a symbol: judges have paid for a colon. A mark is enough where a mark is expected."""
    if expected and not _has(expected, "LMNS"):
        return _has(text, "LMNSP")
    return _has(text, "LMNS")


def _has(text: str, categories: str) -> bool:
    """Whether a visible character of the text is in one of these Unicode categories."""
    return any(unicodedata.category(c)[0] in categories and c not in BLANK for c in text)
