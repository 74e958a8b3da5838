"""What a stage says while it runs, where nobody watches a terminal."""

from collections.abc import Callable

import pytest

from r1lite import console
from r1lite.console import Progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """The time, as the test says."""
    now = [100.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    return lambda seconds: now.__setitem__(0, now[0] + seconds)


def test_the_first_step_estimates_nothing_and_later_ones_do(clock: Callable[[float], None], capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("rl", 10) as progress:
        for _ in range(3):
            clock(8.0)
            progress.advance({"reward": 0.5})
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["rl  step 1/10  reward 0.5", "rl  step 3/10  56 s left  reward 0.5"]  # the second came too soon to speak


def test_a_resumed_stage_counts_its_own_steps(clock: Callable[[float], None], capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("sft", 8, done=4) as progress:
        for _ in range(4):
            clock(11.0)
            progress.advance({})
    assert [line.strip() for line in capsys.readouterr().out.splitlines()] == [
        "sft  step 5/8",
        "sft  step 6/8  22 s left",
        "sft  step 7/8  11 s left",
        "sft  step 8/8  0 s left",
    ]
