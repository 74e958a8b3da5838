"""What is seen while it runs: a progress bar in a terminal or a notebook, heartbeat lines anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from r1lite.types import Scored

HEARTBEAT_SECONDS = 10.0
REDRAW_SECONDS = 0.25  # in a notebook, where drawing is a message to the browser

_current: ContextVar[Console | None] = ContextVar("console", default=None)


def console() -> Console:
    """The console of the call or progress bar that is open; without one, a new console on the present sys.stdout."""
    return _current.get() or _new()


@contextmanager
def output(*, quiet: bool) -> Iterator[None]:
    """One console for all that is shown inside; a quiet one shows nothing."""
    with _using(_new(quiet=quiet)):
        yield


@contextmanager
def _using(console: Console) -> Iterator[None]:
    token = _current.set(console)
    try:
        yield
    finally:
        _current.reset(token)


def _new(*, quiet: bool = False) -> Console:
    if sys.stdout.isatty() and not in_notebook():
        return Console(highlight=False, quiet=quiet)
    # Plain text in a notebook too: rich would make a display of each line, and kernels ask for colours (FORCE_COLOR).
    return Console(highlight=False, quiet=quiet, width=120, force_jupyter=False, force_terminal=False)


def in_notebook() -> bool:
    return Console().is_jupyter


def say(text: str) -> None:
    """A line for the reader; nothing in it is markup, since a model may have written part of it."""
    console().print(Text(text), soft_wrap=True)


class Progress:
    """Progress of one stage, with the few numbers that matter."""

    def __init__(self, stage: str, total: int, done: int = 0) -> None:
        self.stage, self.total, self.done = stage, total, done
        self.started, self.first, self.spoke = time.monotonic(), done, 0.0
        self.console = console()
        drawn = not self.console.quiet and (self.console.is_terminal or in_notebook())
        self.bar = _bar(self.console) if drawn else None
        self.cell = _Cell(self.bar) if self.bar is not None and in_notebook() else None
        self.open = ExitStack()

    def __enter__(self) -> Progress:
        self.open.enter_context(_using(self.console))  # whose lines go above the bar
        if self.bar is not None:
            self.id = self.bar.add_task(self.stage, total=self.total, completed=self.done, numbers="")
            self.open.enter_context(self.cell or self.bar)
        return self

    def __exit__(self, *_: object) -> None:
        self.open.close()

    def advance(self, numbers: Mapping[str, float]) -> None:
        self.done += 1
        text = "  ".join(f"{name} {value:.3g}" for name, value in numbers.items())
        if self.bar is not None:
            self.bar.update(self.id, advance=1, numbers=text)
            if self.cell is not None:
                self.cell.redraw()
            return
        now = time.monotonic()
        if now - self.spoke >= HEARTBEAT_SECONDS or self.done == self.total:
            self.spoke = now
            say("  ".join(filter(None, (f"{self.stage}  step {self.done}/{self.total}", self._left(now), text))))

    def _left(self, now: float) -> str:
        """Nothing at the first step: it warms up, or is one of many that end at once."""
        steps = self.done - self.first
        return f"{(now - self.started) / steps * (self.total - self.done):.0f} s left" if steps > 1 or self.done == self.total else ""


class _Cell:
    """A bar below a notebook's cell, drawn again in its place."""

    def __init__(self, bar: Bar) -> None:
        self.bar, self.drawn = bar, 0.0

    def __enter__(self) -> None:
        from IPython.display import display  # pyright: ignore[reportMissingImports]

        self.handle = display(self.bar, display_id=True)

    def __exit__(self, *_: object) -> None:
        self.handle.update(self.bar)

    def redraw(self) -> None:
        now = time.monotonic()
        if now - self.drawn >= REDRAW_SECONDS:
            self.drawn = now
            self.handle.update(self.bar)


def _bar(console: Console) -> Bar:
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(), TimeRemainingColumn())
    return Bar(*columns, TextColumn("{task.fields[numbers]}"), console=console)


def show_rollouts(scored: Sequence[Scored]) -> None:
    """A right and a wrong rollout, with what the rules said."""
    ordered = sorted(scored, key=lambda s: s.reward)
    for one in {s.rollout.response: s for s in (ordered[-1], ordered[0])}.values():
        why = "; ".join(f"{name}: {v.why}" for name, v in one.verdicts.items())
        asked = one.problem.prompt if isinstance(one.problem.prompt, str) else one.problem.prompt[-1]["content"]
        say(f"  | {_clip(asked, 80)}\n  | {_clip(one.rollout.response, 160)}\n  | reward {one.reward:.2f}  ({_clip(why, 120)})")


def _clip(text: str, width: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else f"{text[: width - 1]}…"


def quiet_transformers() -> None:
    """Turn off the progress bars and the advice of transformers."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(title=title, title_justify="left", title_style="bold")
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i == 0 else "right")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console().print(table)
