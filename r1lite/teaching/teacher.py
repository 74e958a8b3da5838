"""A teacher behind an endpoint: collects its answers, saves each one at once, and adds up their cost.

`answers.jsonl` in the stage's folder contains all answers so far, and nothing else is needed to resume: the same command asks
for those that are missing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from r1lite.build import make_feed, make_scorer
from r1lite.config import Config, TeacherConfig
from r1lite.console import say
from r1lite.data.examples import as_sample
from r1lite.endpoint.client import Connection, Endpoint, Question
from r1lite.endpoint.completion import Answer, EndpointError
from r1lite.prompt import Prompter, messages_of, with_system
from r1lite.sampling.rollouts import streams
from r1lite.store.run import Place
from r1lite.teaching.journal import Journal
from r1lite.teaching.sampled import TraceSettings, score_traces, write_selected
from r1lite.text.response import ANSWER, END_ANSWER, END_THINK, THINK
from r1lite.types import Group, Message, Problem, Rollout

ANSWERS = "answers.jsonl"
CUT_OFF = ("length", "max_tokens", "content_filter")  # values of finish_reason for an incomplete answer


@dataclass(frozen=True, kw_only=True, slots=True)
class Queried:
    """A problem and its questions to the teacher, one per sample."""

    problem: Problem
    questions: tuple[Question, ...]


def traces_from_teacher(prompter: Prompter, cfg: Config, settings: TraceSettings, place: Place) -> Path:
    """Write the teacher's correct and readable answers to `data.jsonl`, and their cost to `sampling.json`.

    It takes the whole configuration because it builds the problems and the scorer from it.
    """
    problems = make_feed(prompter, cfg, seed=f"{cfg.seed}/{place.name}").take(settings.prompts)
    groups, bill = ask_teacher(problems, prompter, cfg.teacher, settings.samples, place)
    with make_scorer(cfg) as scorer:
        scored = score_traces(groups, scorer, place)
    return write_selected(scored, cfg.quality, settings.keep_per_prompt, place, extra={"teacher": bill})


def ask_teacher(
    problems: Sequence[Problem], prompter: Prompter, cfg: TeacherConfig, samples: int, place: Place
) -> tuple[list[Group], dict[str, Any]]:
    """The teacher's answers to each problem, as rollouts, and their cost."""
    system = cfg.system or prompter.system
    queried = [
        Queried(problem=problem, questions=questions_of(messages_for(problem, system), stream, samples))
        for problem, stream in zip(problems, streams(problems), strict=True)
    ]
    journal = Journal(place.out / ANSWERS)
    groups = [as_group(q.problem, answers, prompter) for q, answers in collect_answers(queried, journal, cfg, place)]
    bill = bill_of(journal.rows(), cfg)
    usage = f"{bill['tokens_in']:,} tokens read, {bill['tokens_out']:,} written"
    say(f"{place.name}: the teacher's answers cost {bill['cost']:.2f} at your prices ({usage})")
    return groups, bill


def collect_answers(queried: Sequence[Queried], journal: Journal, cfg: TeacherConfig, place: Place) -> list[tuple[Queried, list[Answer]]]:
    """The answers to each problem, from the journal and from the endpoint. Problems without an answer are left out."""
    saved = {row["key"]: row for row in journal.rows()}
    missing = [question for q in queried for question in q.questions if question.key not in saved]
    total = sum(len(q.questions) for q in queried)
    if missing:
        say(f"{place.name}: asking {cfg.model} at {cfg.url} for {len(missing)} of {total} answers")
    lost = 0
    try:
        for number, outcome in enumerate(endpoint_of(cfg).ask(missing) if missing else (), start=1):
            if isinstance(outcome, Answer) or outcome.refused:
                saved[outcome.key] = asdict(outcome)
                journal.append(saved[outcome.key])
            else:
                lost += 1
            if number % 100 == 0:
                say(f"{place.name}: {number} of {len(missing)} answers")
        if missing and lost == len(missing):
            raise EndpointError("no request was answered")
    except EndpointError as error:
        raise EndpointError(
            f"{place.name}: the teacher at {cfg.url} does not answer: {error}. {len(saved)} of {total} answers are saved in "
            f"{journal.path}. The same command with run_dir={place.run} asks for the rest; you may change teacher.url, api_key_env, "
            f"timeout, retries, backoff, concurrency and requests_per_minute."
        ) from None
    if lost:
        say(f"{place.name}: {lost} requests failed, each after {cfg.retries + 1} tries")
    if not any(map(_is_answer, saved.values())):
        raise ValueError(f"{place.name}: the teacher refused all {total} requests; its reasons are in {journal.path}")
    answers = [(q, [as_saved(saved[one.key]) for one in q.questions if _is_answer(saved.get(one.key))]) for q in queried]
    return [(q, of_problem) for q, of_problem in answers if of_problem]


def endpoint_of(cfg: TeacherConfig) -> Endpoint:
    """The teacher's endpoint, with what every request to it holds."""
    connection = Connection(
        section="teacher",
        url=cfg.url,
        api_key_env=cfg.api_key_env,
        timeout=cfg.timeout,
        retries=cfg.retries,
        backoff=cfg.backoff,
        concurrency=cfg.concurrency,
        requests_per_minute=cfg.requests_per_minute,
    )
    longest = {"max_tokens": cfg.max_tokens} if cfg.max_tokens else {}
    return Endpoint(connection, {"model": cfg.model, "temperature": cfg.temperature, **longest, **cfg.extra})


def messages_for(problem: Problem, system: str) -> tuple[Message, ...]:
    """The messages of a request: the problem, after the system message if there is one."""
    return tuple(with_system(system, messages_of(problem)))


def questions_of(messages: tuple[Message, ...], stream: str, samples: int) -> tuple[Question, ...]:
    """One question per sample. Its key contains the problem, the sample and a hash of the text, so a changed text is asked again."""
    text = hashlib.blake2b(json.dumps([dict(m) for m in messages]).encode(), digest_size=6).hexdigest()
    return tuple(Question(key=f"{stream}/{i}/{text}", messages=messages) for i in range(samples))


def as_group(problem: Problem, answers: Sequence[Answer], prompter: Prompter) -> Group:
    """Answers as rollouts, so that rules and filters treat them like those of any model."""
    rollouts = []
    for index, answer in enumerate(answers):
        text = with_tags(answer.reasoning, answer.content)
        sample = as_sample(problem, text, prompter)
        rollouts.append(
            Rollout(
                problem_id=problem.id,
                index=index,
                prompt_ids=sample.prompt_ids,
                token_ids=sample.token_ids,
                logprobs=(),
                text=text,
                finish="length" if answer.finish in CUT_OFF else "stop",
            )
        )
    return Group(problem=problem, rollouts=tuple(rollouts))


def with_tags(reasoning: str, content: str) -> str:
    """A response with think and answer tags, from reasoning and content. Tags that are already there stay."""
    content = content.strip()
    thought, end_tag, answer = content.rpartition(END_THINK)
    if not end_tag and reasoning.strip():
        thought, end_tag, answer = f"{THINK}{reasoning.strip()}", END_THINK, content
    if not end_tag:
        return content
    thought = thought if thought.lstrip().startswith(THINK) else f"{THINK}{thought}"  # some templates open the tag in the prompt
    answer = answer.strip()
    return f"{thought}{end_tag}{answer if ANSWER in answer or not answer else f'{ANSWER}{answer}{END_ANSWER}'}"


def bill_of(rows: Sequence[dict[str, Any]], cfg: TeacherConfig) -> dict[str, Any]:
    """Answers, tokens and cost. Answers without reported usage are counted under `usage_untold`, not estimated."""
    answered = [row for row in rows if _is_answer(row)]
    tokens = {name: sum(row[name] or 0 for row in answered) for name in ("tokens_in", "tokens_out")}
    cost = (tokens["tokens_in"] * cfg.price_in + tokens["tokens_out"] * cfg.price_out) / 1e6
    unreported = sum(row["tokens_in"] is None or row["tokens_out"] is None for row in answered)
    return {"answers": len(answered), "refused": len(rows) - len(answered), **tokens, "cost": round(cost, 6), "usage_untold": unreported}


def as_saved(row: dict[str, Any]) -> Answer:
    return Answer(**row)


def _is_answer(row: dict[str, Any] | None) -> bool:
    return row is not None and "content" in row
