"""Chats between a client and a matchmaking consultant, and the profile that they add up to.

In an easy chat everything is said once. In a hard one the client takes things back, gives a birth year in place of an age,
speaks of a friend, and tells it all in any order.
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
TRICKS = ("birth", "friend", *FIELDS)  # a field's name: the client takes it back
AGES = range(24, 45)
YEARS = range(2024, 2028)

Profile = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """One sentence of the client's."""

    text: str
    field: str
    value: Any = None  # what a reader in a hurry takes from it
    thought: str = ""  # what a careful one thinks


@task("matchmaker")
class Matchmaker:
    """Chinese and English chats; `easy` and `hard` are splits of one kind each, held out like `test`."""

    name = "matchmaker"

    def __init__(self, *, seed: int | str = 0, difficulty: str = "mixed", size: int = 100_000) -> None:
        if difficulty not in HARD_SHARE:
            raise ValueError(unknown("task.difficulty", difficulty, HARD_SHARE))
        self.seed, self.difficulty, self.size = seed, difficulty, size

    def problems(self, split: str) -> Sequence[Problem]:
        share = HARD_SHARE.get(split, HARD_SHARE[self.difficulty])
        # The problems of `easy` and `hard` are those whose prompts the hash holds out for tests: training sees none of them.
        held_out, seed = ("test", f"{self.seed}/{split}") if split in HARD_SHARE else (split, self.seed)
        return GeneratedProblems(lambda random: _problem(random, random.random() < share), seed=seed, split=held_out, size=self.size)

    def demonstration(self, problem: Problem) -> Response:
        """Only what is not plain is thought about."""
        thoughts = problem.info["thoughts"] or [PHRASES[problem.info["language"]]["thinks"]["plain"]]
        return Response(thought=" ".join(thoughts), answer=problem.answer)

    def guess(self, problem: Problem) -> str:
        """What someone takes down who writes the first value that he hears, whoever it is of, and mishears one."""
        random, gold = Random(f"guess/{problem.id}"), json.loads(problem.answer)
        taken = {"age": random.choice(AGES)} | problem.info["first_said"]
        misheard = random.choice(FIELDS)
        choices = _choices(misheard, PHRASES[problem.info["language"]]["values"])
        taken[misheard] = random.choice([value for value in choices if not _same(value, gold[misheard])])
        return _written({field: taken[field] for field in FIELDS})


def _problem(random: Random, hard: bool) -> Problem:
    language = random.choice(sorted(PHRASES))
    phrases, year = PHRASES[language], random.choice(YEARS)
    tricks = set(random.sample(TRICKS, random.randint(2, 3))) if hard else set()
    threads, profile = [], {}
    for field in FIELDS:
        thread, profile[field] = _thread(random, phrases, field, year, tricks)
        threads.append(thread)
    if "friend" in tricks:
        threads.append([_of_a_friend(random, phrases)])
    said = _interleaved(random, threads) if hard else [thread[0] for thread in threads]
    prompt = _chat(random, phrases, year, [s.text for s in said])
    thoughts = tuple(s.thought for s in said if s.thought)
    first_said = {s.field: s.value for s in reversed(said) if s.value is not None}
    # Plain values alone: a problem travels to the processes that score.
    info = {"language": language, "hard": hard, "tricks": sorted(tricks), "thoughts": thoughts, "first_said": first_said}
    return Problem(id=f"matchmaker/{prompt}", prompt=prompt, answer=_written(profile), info=info)


def _thread(random: Random, phrases: dict[str, Any], field: str, year: int, tricks: set[str]) -> tuple[list[Said], Any]:
    """What the client says of one field, in order, and what holds in the end."""
    by_birth = field == "age" and "birth" in tricks
    kind = "birth" if by_birth else field
    values = AGES if field == "age" else phrases["values"][field]
    value = final = random.sample(values, random.randint(1, 2)) if field in LISTS else random.choice(values)
    shown = [year - value] if by_birth else value if field in LISTS else [value]
    text = random.choice(phrases["says"][kind]).format(new=phrases["join"].join(map(str, shown)))
    thoughts, said = [], [Said(text=text, field=field, value=None if by_birth else value)]
    if field in tricks:
        old, other = shown[0], random.choice([v for v in values if v not in (value if field in LISTS else [value])])
        new = year - other if by_birth else other
        final = [new, *value[1:]] if field in LISTS else other
        thoughts.append(phrases["thinks"]["corrected"].format(old=old, new=new))
        text = random.choice(phrases["corrects"][kind]).format(old=old, new=new)
        said.append(Said(text=text, field=field, value=None if by_birth else final))
    if by_birth:
        thoughts.append(phrases["thinks"]["birth"].format(born=year - final, year=year, age=final))
    said[-1] = replace(said[-1], thought=" ".join(thoughts))
    return said, final


def _of_a_friend(random: Random, phrases: dict[str, Any]) -> Said:
    field, name = random.choice(FRIENDS_FIELDS), random.choice(phrases["friends"])
    value = random.choice(_choices(field, phrases["values"]))
    text = random.choice(phrases["friend"][field]).format(name=name, new=value)
    return Said(text=text, field=field, value=value, thought=phrases["thinks"]["friend"].format(name=name))


def _choices(field: str, values: dict[str, list[str]]) -> list[Any]:
    """All that a field may hold; of lists, those of one and of two."""
    if field == "age":
        return list(AGES)
    words = values[field]
    return [[a] for a in words] + [[a, b] for a in words for b in words if a != b] if field in LISTS else words


def _same(one: Any, other: Any) -> bool:
    return set(one) == set(other) if isinstance(one, list) else one == other


def _interleaved(random: Random, threads: list[list[Said]]) -> list[Said]:
    """In any order, but nothing is taken back before it is said."""
    turns = [i for i, thread in enumerate(threads) for _ in thread]
    random.shuffle(turns)
    left = [iter(thread) for thread in threads]
    return [next(left[i]) for i in turns]


def _chat(random: Random, phrases: dict[str, Any], year: int, sentences: list[str]) -> str:
    cut = random.randint(2, len(sentences) - 2)
    lines = [phrases["year"].format(year=year)]
    for asked, answered in ((random.choice(phrases["opens"]), sentences[:cut]), (random.choice(phrases["asks"]), sentences[cut:])):
        lines += [phrases["consultant"] + asked, phrases["client"] + "".join(s + phrases["stop"] for s in answered).strip()]
    return "\n".join(lines)


def _written(profile: Profile) -> str:
    return json.dumps(profile, ensure_ascii=False, separators=(",", ":"))
