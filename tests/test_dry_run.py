"""A rule that cannot work is known before any work."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from r1lite.config import ScoringConfig
from r1lite.scoring.dry_run import rehearse
from r1lite.scoring.rules import Rules
from r1lite.types import Problem
from rewards import rewards

RULES = """
import time
from rewards import needs, reward

@reward("reads_cases")
def reads_cases(problem, rollout):
    return float(len(needs(problem, "cases")))

@reward("gives_nan")
def gives_nan(problem, rollout):
    return float("nan")

@reward("gives_text")
def gives_text(problem, rollout):
    return "high"

@reward("never_ends")
def never_ends(problem, rollout):
    time.sleep(600)

@reward("fears_silence")
def fears_silence(problem, rollout):
    return 1 / len(rollout.text)

@reward("has_no_opinion")
def has_no_opinion(problem, rollout):
    return None
"""


@pytest.fixture
def rehearsed(tmp_path: Path) -> Iterator[Callable[..., list[str]]]:
    plugin = tmp_path / "fresh_rules.py"
    plugin.write_text(RULES)
    before = set(rewards._entries)

    def call(name: str, *problems: Problem, workers: int = 0) -> list[str]:
        scoring = ScoringConfig(workers=workers, seconds=0.3, memory_mb=512, max_failed_share=0.05)
        return rehearse(Rules.from_config({name: {}}, [str(plugin)]), problems, scoring)

    yield call
    for name in set(rewards._entries) - before:
        rewards._entries.pop(name)


SUM = Problem(id="train/0", prompt="2+2?", answer="4", info={"level": 1, "source": "book"})


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("reads_cases", "KeyError: \"the problem has no column 'cases'; it has level, source. Map one with task.columns.\""),
        ("gives_nan", "ValueError: the rule returned nan, which is not a finite number"),
        ("gives_text", "ValueError: could not convert string to float: 'high'"),
    ],
)
def test_what_is_broken_is_said_with_name_reason_and_fix(name: str, why: str, rehearsed: Callable[..., list[str]]) -> None:
    with pytest.raises(ValueError, match="gives no verdict") as error:
        rehearsed(name, SUM)
    assert str(error.value) == (
        f"rule {name!r} gives no verdict on train/0, not even on the expected answer: {why}. "
        f"(The problem has the answer '4' and these columns: level, source.) "
        f"Fix the rule or its options (rewards.{name}.*), or see one verdict with: r1lite reward explain {name}"
    )


def test_a_rule_that_never_ends_is_known_too(rehearsed: Callable[..., list[str]]) -> None:
    with pytest.raises(ValueError, match=r"'never_ends' gives no verdict on train/0.*no verdict within 0\.3 s"):
        rehearsed("never_ends", SUM, workers=1)


def test_a_rule_that_only_dislikes_one_response_goes_on(rehearsed: Callable[..., list[str]]) -> None:
    assert rehearsed("fears_silence", SUM) == []


def test_a_rule_that_never_speaks_is_mentioned(rehearsed: Callable[..., list[str]]) -> None:
    assert rehearsed("has_no_opinion", SUM, SUM) == ["rule 'has_no_opinion' says nothing about the first 2 problems"]


def test_without_problems_there_is_nothing_to_rehearse(rehearsed: Callable[..., list[str]]) -> None:
    assert rehearsed("gives_nan") == []
