"""What a stage says while it runs: heartbeat lines where nobody watches a terminal, and nothing where it should be quiet."""

import io
from collections.abc import Callable
from contextlib import redirect_stdout
from contextvars import copy_context
from threading import Thread

import pytest

from r1lite import console
from r1lite.console import Progress, output, say, show_table


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


def test_lines_go_to_where_output_goes_at_that_time() -> None:
    first, second = io.StringIO(), io.StringIO()
    for file in (first, second):
        with redirect_stdout(file):
            say("[bold]as it is[/bold]")
    assert (first.getvalue(), second.getvalue()) == ("[bold]as it is[/bold]\n",) * 2


def test_a_quiet_call_shows_nothing_and_only_itself_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with output(quiet=True):
        say("a line")
        show_table("a table", ["a"], [["b"]])
        with Progress("rl", 1) as progress:
            progress.advance({"reward": 0.5})
        inside = Thread(target=copy_context().run, args=(say, "of a thread that works for it"))
        outside = Thread(target=say, args=("of another thread",))
        for thread in (inside, outside):
            thread.start()
            thread.join()
    assert capsys.readouterr().out == "of another thread\n"
    say("a line")
    assert capsys.readouterr().out == "a line\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_said_below_a_bar_in_a_terminal_go_to_the_console_of_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    with redirect_stdout(Terminal()) as terminal:
        with Progress("rl", 2) as progress:
            assert progress.bar is not None
            assert console.console() is progress.bar.console
            progress.advance({"reward": 0.25})
            say("a line")
        assert console.console() is not progress.bar.console
    assert "reward 0.25" in terminal.getvalue()
    assert "a line" in terminal.getvalue()
