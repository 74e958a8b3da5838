"""Generates chats between a client and a matchmaking consultant, with the client's profile as the answer.

In an easy chat, everything is said once. In a hard chat, the client corrects earlier statements, gives a birth year instead
of an age, talks about a friend, and mentions things in any order.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import yaml

from r1lite.registry import unknown
from r1lite.types import Problem, Response
from tasks import GeneratedProblems, task

PHRASES: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("phrases.yaml").read_text(encoding="utf-8"))
FIELDS = ("age", "city", "education", "must_haves", "deal_breakers")
LISTS = FIELDS[3:]
FRIENDS_FIELDS = FIELDS[:3]
HARD_SHARE = {"easy": 0.0, "mixed": 0.5, "hard": 1.0}
TRICKS = ("birth", "friend", *FIELDS)  # the name of a field means that the client corrects it
AGES = range(24, 45)
YEARS = range(2024, 2028)

Profile = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """One sentence of the client's."""

    text: str
    field: str
    value: Any = None  # as a careless reader understands it
    thought: str = ""  # of a careful reader


@task("matchmaker")
class Matchmaker:
    """Chats in Chinese and English. `easy` and `hard` are held-out splits, like `test`, with one kind of chat each."""

    name = "matchmaker"

    def __init__(self, *, seed: int | str = 0, difficulty: str = "mixed", size: int = 100_000) -> None:
        if difficulty not in HARD_SHARE:
            raise ValueError(unknown("task.difficulty", difficulty, HARD_SHARE))
        self.seed, self.difficulty, self.size = seed, difficulty, size

    def problems(self, split: str) -> Sequence[Problem]:
        share = HARD_SHARE.get(split, HARD_SHARE[self.difficulty])
        # `easy` and `hard` contain only prompts whose hash belongs to the split `test`, so that training never sees them.
        held_out, seed = ("test", f"{self.seed}/{split}") if split in HARD_SHARE else (split, self.seed)
        return GeneratedProblems(lambda random: _problem(random, random.random() < share), seed=seed, split=held_out, size=self.size)

    def demonstration(self, problem: Problem) -> Response:
        """A response whose thought covers only what is not obvious."""
        thoughts = problem.info["thoughts"] or [PHRASES[problem.info["language"]]["thinks"]["plain"]]
        return Response(thought=" ".join(thoughts), answer=problem.answer)

    def guess(self, problem: Problem) -> str:
        """A careless answer: the first value mentioned for each field, even if it is a friend's, and one field misheard."""
        random, gold = Random(f"guess/{problem.id}"), json.loads(problem.answer)
        guessed = {"age": random.choice(AGES)} | problem.info["first_said"]
        misheard = random.choice(FIELDS)
        choices = _choices(misheard, PHRASES[problem.info["language"]]["values"])
        guessed[misheard] = random.choice([value for value in choices if not _equal(value, gold[misheard])])
        return _as_json({field: guessed[field] for field in FIELDS})


def _problem(random: Random, hard: bool) -> Problem:
    language = random.choice(sorted(PHRASES))
    phrases, year = PHRASES[language], random.choice(YEARS)
    tricks = set(random.sample(TRICKS, random.randint(2, 3))) if hard else set()
    threads, profile = [], {}
    for field in FIELDS:
        thread, profile[field] = _thread(random, phrases, field, year, tricks)
        threads.append(thread)
    if "friend" in tricks:
        threads.append([_about_a_friend(random, phrases)])
    statements = _interleave(random, threads) if hard else [thread[0] for thread in threads]
    prompt = _chat(random, phrases, year, [s.text for s in statements])
    thoughts = tuple(s.thought for s in statements if s.thought)
    first_said = {s.field: s.value for s in reversed(statements) if s.value is not None}
    # Only plain values, because problems are sent to the scoring processes.
    info = {"language": language, "hard": hard, "tricks": sorted(tricks), "thoughts": thoughts, "first_said": first_said}
    return Problem(id=f"matchmaker/{prompt}", prompt=prompt, answer=_as_json(profile), info=info)


def _thread(random: Random, phrases: dict[str, Any], field: str, year: int, tricks: set[str]) -> tuple[list[Statement], Any]:
    """The client's statements about one field, in order, and the final value."""
    by_birth = field == "age" and "birth" in tricks
    kind = "birth" if by_birth else field
    values = AGES if field == "age" else phrases["values"][field]
    value = final = random.sample(values, random.randint(1, 2)) if field in LISTS else random.choice(values)
    shown = [year - value] if by_birth else value if field in LISTS else [value]
    text = random.choice(phrases["says"][kind]).format(new=phrases["join"].join(map(str, shown)))
    thoughts, statements = [], [Statement(text=text, field=field, value=None if by_birth else value)]
    if field in tricks:
        old, other = shown[0], random.choice([v for v in values if v not in (value if field in LISTS else [value])])
        new = year - other if by_birth else other
        final = [new, *value[1:]] if field in LISTS else other
        thoughts.append(phrases["thinks"]["corrected"].format(old=old, new=new))
        text = random.choice(phrases["corrects"][kind]).format(old=old, new=new)
        statements.append(Statement(text=text, field=field, value=None if by_birth else final))
    if by_birth:
        thoughts.append(phrases["thinks"]["birth"].format(born=year - final, year=year, age=final))
    statements[-1] = replace(statements[-1], thought=" ".join(thoughts))
    return statements, final


def _about_a_friend(random: Random, phrases: dict[str, Any]) -> Statement:
    """A statement about a friend of the client, which does not belong into the profile."""
    field, name = random.choice(FRIENDS_FIELDS), random.choice(phrases["friends"])
    value = random.choice(_choices(field, phrases["values"]))
    text = random.choice(phrases["friend"][field]).format(name=name, new=value)
    return Statement(text=text, field=field, value=value, thought=phrases["thinks"]["friend"].format(name=name))


def _choices(field: str, values: dict[str, list[str]]) -> list[Any]:
    """All possible values of a field; for lists, those with one or two items."""
    if field == "age":
        return list(AGES)
    words = values[field]
    return [[a] for a in words] + [[a, b] for a in words for b in words if a != b] if field in LISTS else words


def _equal(one: Any, other: Any) -> bool:
    return set(one) == set(other) if isinstance(one, list) else one == other


def _interleave(random: Random, threads: list[list[Statement]]) -> list[Statement]:
    """Shuffle the statements, but keep the order within each thread, so that corrections come later."""
    turns = [i for i, thread in enumerate(threads) for _ in thread]
    random.shuffle(turns)
    remaining = [iter(thread) for thread in threads]
    return [next(remaining[i]) for i in turns]


def _chat(random: Random, phrases: dict[str, Any], year: int, sentences: list[str]) -> str:
    cut = random.randint(2, len(sentences) - 2)
    lines = [phrases["year"].format(year=year)]
    for question, answers in ((random.choice(phrases["opens"]), sentences[:cut]), (random.choice(phrases["asks"]), sentences[cut:])):
        lines += [phrases["consultant"] + question, phrases["client"] + "".join(s + phrases["stop"] for s in answers).strip()]
    return "\n".join(lines)


def _as_json(profile: Profile) -> str:
    return json.dumps(profile, ensure_ascii=False, separators=(",", ":"))
