"""Rules on length, alone and within the group."""

import pytest
from asked import asking, rollout

from rewards import Rollout, Verdict
from rewards.length_cosine import length_cosine
from rewards.length_kimi import length_kimi
from rewards.length_target import length_target


@pytest.mark.parametrize(
    ("right", "tokens", "value"),
    [
        (True, 0, 1.0),
        (True, 50, 0.75),
        (True, 100, 0.5),
        (True, 900, 0.5),
        (False, 0, -1.0),
        (False, 50, -0.75),
        (False, 100, -0.5),
        (False, 900, -0.5),
    ],
)
def test_length_cosine(right: bool, tokens: int, value: float) -> None:
    given = length_cosine(asking(), rollout("", tokens=tokens), right=right, limit=100)
    assert given is not None
    assert given.value == pytest.approx(value)
    assert given.why == f"{'correct' if right else 'wrong'} in {tokens} tokens, limit 100"


def test_length_cosine_of_what_was_cut_off_or_cannot_be_judged() -> None:
    assert length_cosine(asking(), rollout("", tokens=9, finish="length"), right=True, limit=100) == Verdict(
        value=-1.0, why="cut off after 9 tokens"
    )
    assert length_cosine(asking(), rollout("", tokens=9), right=None, limit=100) is None
    assert length_cosine(asking(), rollout("", tokens=100), right=True, limit=100, right_short=2, right_long=3).value == 3.0  # pyright: ignore


def test_length_target_only_takes_away() -> None:
    values = [length_target(asking(), rollout("", tokens=n), target=10).value for n in (0, 5, 10, 15, 20, 99)]
    assert values == [-1.0, -0.5, 0.0, -0.5, -1.0, -1.0]
    assert [length_target(asking(), rollout("", tokens=n), target=10, over=True).value for n in (0, 10, 15)] == [0.0, 0.0, -0.5]
    assert length_target(asking(budget="10"), rollout("", tokens=15), column="budget") == Verdict(value=-0.5, why="15 tokens, target 10")
    assert length_target(asking(), rollout("", tokens=5), target=10, over=True).why == "5 tokens, target at most 10"


def group(*lengths: int) -> list[Rollout]:
    return [rollout("", tokens=n) for n in lengths]


def test_length_kimi_compares_within_the_group() -> None:
    verdicts = length_kimi(asking(), group(10, 20, 30), right=[True, True, True])
    assert verdicts == [
        Verdict(value=0.5, why="correct in 10 tokens, the group has 10 to 30"),
        Verdict(value=0.0, why="correct in 20 tokens, the group has 10 to 30"),
        Verdict(value=-0.5, why="correct in 30 tokens, the group has 10 to 30"),
    ]
    assert [v.value for v in length_kimi(asking(), group(10, 20, 30), right=[False, False, False]) if v] == [0.0, 0.0, -0.5]
    assert length_kimi(asking(), group(10, 30), right=[None, True])[0] is None
    assert length_kimi(asking(), group(7, 7), right=[True, False]) == [Verdict(value=0.0, why="all responses have 7 tokens")] * 2


def test_length_kimi_pays_nothing_for_being_cut_off_early() -> None:
    cut = [rollout("", tokens=5, finish="length"), rollout("", tokens=9)]
    assert length_kimi(asking(), cut, right=[True, True])[0] == Verdict(value=0.0, why="wrong in 5 tokens, the group has 5 to 9")
