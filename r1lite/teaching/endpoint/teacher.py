"""A teacher behind an endpoint: asked for what is missing, each answer on the disk at once, the bill kept.

`answers.jsonl` in the stage's folder holds what came, as it came. It is all there is to going on: the same command asks for
what is not in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from r1lite.config import Config, TeacherConfig
from r1lite.console import say
from r1lite.data.examples import as_sample
from r1lite.prompt import Prompter, with_system
from r1lite.sampling.rollouts import streams
from r1lite.store.run import Place
from r1lite.teaching.endpoint.client import Endpoint, Question
from r1lite.teaching.endpoint.completion import Answer, Gone
from r1lite.teaching.endpoint.journal import Journal
from r1lite.teaching.sampled import Wanted, asked_problems, keep_answers
from r1lite.text.response import ANSWER, END_ANSWER, END_THINK, THINK
from r1lite.types import Group, Message, Problem, Rollout

ANSWERS = "answers.jsonl"
CUT_OFF = ("length", "max_tokens", "content_filter")  # as finish_reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A problem, and the keys of its samples."""

    problem: Problem
    questions: tuple[Question, ...]


def ask_teacher(prompter: Prompter, cfg: Config, wanted: Wanted, place: Place) -> Path:
    """The right and readable ones of its answers, in `data.jsonl`; what it cost, in `sampling.json`."""
    problems = asked_problems(prompter, cfg, wanted, name=place.name)
    asked = [
        Asked(problem=problem, questions=questions_of(messages_for(problem, cfg), stream, wanted.samples))
        for problem, stream in zip(problems, streams(problems), strict=True)
    ]
    journal = Journal(place.out / ANSWERS)
    groups = [as_group(a, found, prompter) for a, found in answers(asked, journal, cfg, place)]
    bill = bill_of(journal.rows(), cfg.teacher)
    say(f"{place.name}: the teacher read {bill['tokens_in']:,} tokens and wrote {bill['tokens_out']:,}: {bill['cost']:.2f} by your prices")
    return keep_answers(groups, cfg, wanted, folder=place.out, name=place.name, known={"teacher": bill})


def answers(asked: Sequence[Asked], journal: Journal, cfg: Config, place: Place) -> list[tuple[Asked, list[Answer]]]:
    """Those of each problem, from the journal and from the endpoint; problems without any are left out."""
    saved = {row["key"]: row for row in journal.rows()}
    missing = [q for one in asked for q in one.questions if q.key not in saved]
    total = sum(len(one.questions) for one in asked)
    if missing:
        say(f"{place.name}: asking {cfg.teacher.model} at {cfg.teacher.url} for {len(missing)} of {total} answers")
    lost = 0
    try:
        for number, got in enumerate(Endpoint(cfg.teacher).ask(missing) if missing else (), start=1):
            if isinstance(got, Answer) or got.refused:
                saved[got.key] = asdict(got)
                journal.append(saved[got.key])
            else:
                lost += 1
            if number % 100 == 0:
                say(f"{place.name}: {number} of {len(missing)} answers")
        if missing and lost == len(missing):
            raise Gone("not one request was answered")
    except Gone as gone:
        raise Gone(
            f"{place.name}: the teacher at {cfg.teacher.url} does not answer: {gone}. {len(saved)} of {total} answers are saved in "
            f"{journal.path}. The same command with run_dir={place.run} asks for the rest; teacher.url, api_key_env, timeout, retries, "
            f"backoff, concurrency and requests_per_minute may be others."
        ) from None
    if lost:
        say(f"{place.name}: {lost} requests were given up, each after {cfg.teacher.retries + 1} tries")
    if not any(map(_answers, saved.values())):
        raise ValueError(f"{place.name}: the teacher refused all {total} requests; {journal.path} holds its reasons")
    given = [(one, [as_saved(saved[q.key]) for q in one.questions if _answers(saved.get(q.key))]) for one in asked]
    return [(one, found) for one, found in given if found]


def messages_for(problem: Problem, cfg: Config) -> tuple[Message, ...]:
    asked = ({"role": "user", "content": problem.prompt},) if isinstance(problem.prompt, str) else problem.prompt
    system = cfg.teacher.system or cfg.prompt.system
    return tuple(with_system(system, asked))


def questions_of(messages: tuple[Message, ...], stream: str, samples: int) -> tuple[Question, ...]:
    """One request a sample. A key names problem, sample and text: an answer to another text is no answer."""
    text = hashlib.blake2b(json.dumps([dict(m) for m in messages]).encode(), digest_size=6).hexdigest()
    return tuple(Question(key=f"{stream}/{i}/{text}", messages=messages) for i in range(samples))


def as_group(asked: Asked, found: Sequence[Answer], prompter: Prompter) -> Group:
    """Answers as rollouts, so that rules and filters treat them like any model's."""
    rollouts = []
    for index, answer in enumerate(found):
        text = folded(answer.reasoning, answer.content)
        sample = as_sample(asked.problem, text, prompter)
        rollouts.append(
            Rollout(
                problem_id=asked.problem.id,
                index=index,
                prompt_ids=sample.prompt_ids,
                token_ids=sample.token_ids,
                logprobs=(),
                text=text,
                finish="length" if answer.finish in CUT_OFF else "stop",
            )
        )
    return Group(problem=asked.problem, rollouts=tuple(rollouts))


def folded(reasoning: str, content: str) -> str:
    """Thought and answer in the house's tags, wherever the server has put them; what has its tags stays as it is."""
    content = content.strip()
    thought, closed, rest = content.rpartition(END_THINK)
    if not closed and reasoning.strip():
        thought, closed, rest = f"{THINK}{reasoning.strip()}", END_THINK, content
    if not closed:
        return content
    thought = thought if thought.lstrip().startswith(THINK) else f"{THINK}{thought}"  # some templates open the tag in the prompt
    rest = rest.strip()
    return f"{thought}{closed}{rest if ANSWER in rest or not rest else f'{ANSWER}{rest}{END_ANSWER}'}"


def bill_of(rows: Sequence[dict[str, Any]], cfg: TeacherConfig) -> dict[str, Any]:
    """What was answered, and what it cost; where the server tells no usage, that is said, and not guessed."""
    answered = [row for row in rows if _answers(row)]
    tokens = {name: sum(row[name] or 0 for row in answered) for name in ("tokens_in", "tokens_out")}
    cost = (tokens["tokens_in"] * cfg.price_in + tokens["tokens_out"] * cfg.price_out) / 1e6
    untold = sum(row["tokens_in"] is None or row["tokens_out"] is None for row in answered)
    return {"answers": len(answered), "refused": len(rows) - len(answered), **tokens, "cost": round(cost, 6), "usage_untold": untold}


def as_saved(row: dict[str, Any]) -> Answer:
    return Answer(**row)


def _answers(row: dict[str, Any] | None) -> bool:
    return row is not None and "content" in row
