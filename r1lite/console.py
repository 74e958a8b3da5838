"""Output of a run: lines, tables, and progress as a bar in a terminal or a notebook, or as a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from r1lite.parallel import world
from r1lite.types import Scored

LINE_SECONDS = 10.0  # between two lines of progress, where no bar is drawn
REDRAW_SECONDS = 0.25  # in a notebook, where each redraw is a message to the browser

_current: ContextVar[Console | None] = ContextVar("console", default=None)


def console() -> Console:
    """The console of the current call or progress bar; without one, a new console on the current sys.stdout."""
    return _current.get() or _new()


@contextmanager
def output(*, quiet: bool) -> Iterator[None]:
    """Use one console for all output inside the context. A quiet console prints nothing."""
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
    quiet = quiet or not world.is_leader()
    if sys.stdout.isatty() and not in_notebook():
        return Console(highlight=False, quiet=quiet)
    # Plain text in a notebook too: rich would show each line as a display object, and kernels set FORCE_COLOR.
    return Console(highlight=False, quiet=quiet, width=120, force_jupyter=False, force_terminal=False)


def in_notebook() -> bool:
    return Console().is_jupyter


def say(text: str) -> None:
    """Print a line. It is not parsed as markup, since a model may have written part of it."""
    console().print(Text(text), soft_wrap=True)


class Progress:
    """Shows the progress of one stage, with a few of its metrics."""

    def __init__(self, stage: str, total: int, done: int = 0) -> None:
        self.stage, self.total, self.done = stage, total, done
        self.started, self.first, self.last_line = time.monotonic(), done, 0.0
        self.console = console()
        draws_bar = not self.console.quiet and (self.console.is_terminal or in_notebook())
        self.bar = _bar(self.console) if draws_bar else None
        self.cell = _Cell(self.bar) if self.bar is not None and in_notebook() else None
        self.contexts = ExitStack()

    def __enter__(self) -> Progress:
        self.contexts.enter_context(_using(self.console))  # so that lines are printed above the bar
        if self.bar is not None:
            self.id = self.bar.add_task(self.stage, total=self.total, completed=self.done, numbers="")
            self.contexts.enter_context(self.cell or self.bar)
        return self

    def __exit__(self, *_: object) -> None:
        self.contexts.close()

    def advance(self, metrics: Mapping[str, float], by: int = 1) -> None:
        """Count a step, or several at once, and show these metrics."""
        by = min(by, self.total - self.done)
        self.done += by
        text = "  ".join(f"{name} {value:.3g}" for name, value in metrics.items())
        if self.bar is not None:
            self.bar.update(self.id, advance=by, numbers=text)
            if self.cell is not None:
                self.cell.redraw()
            return
        now = time.monotonic()
        if now - self.last_line >= LINE_SECONDS or self.done == self.total:
            self.last_line = now
            say("  ".join(filter(None, (f"{self.stage}  step {self.done}/{self.total}", self._time_left(now), text))))

    def _time_left(self, now: float) -> str:
        """The remaining time; empty at the first step, which warms up, or is one of many that finish at the same time."""
        steps = self.done - self.first
        return f"{(now - self.started) / steps * (self.total - self.done):.0f} s left" if steps > 1 or self.done == self.total else ""


class _Cell:
    """A bar below a notebook's cell, redrawn in place."""

    def __init__(self, bar: Bar) -> None:
        self.bar, self.drawn = bar, 0.0

    def __enter__(self) -> None:
        from IPython.display import display  # pyright: ignore[reportMissingImports]

        self.handle: Any = display(self.bar, display_id=True)  # a DisplayHandle, since there is a display_id

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
    """Print the rollouts with the highest and the lowest reward, and the reasons of the rules."""
    ordered = sorted(scored, key=lambda s: s.reward)
    for s in {s.rollout.response: s for s in (ordered[-1], ordered[0])}.values():
        reasons = "; ".join(f"{name}: {verdict.why or verdict.value}" for name, verdict in s.verdicts.items())
        prompt = s.problem.prompt if isinstance(s.problem.prompt, str) else s.problem.prompt[-1]["content"]
        say(f"  | {_clip(prompt, 80)}\n  | {_clip(s.rollout.response, 160)}\n  | reward {s.reward:.2f}  ({_clip(reasons, 120)})")


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
