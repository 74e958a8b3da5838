"""SIGTERM: a run finishes its step, saves a checkpoint and leaves. Schedulers send it before they take a machine away.

All ranks decide after the same step, though the signal may reach one alone. Outside of steps, where there is nothing to save, the
run leaves at once. Another SIGTERM changes nothing: a launcher passes on what the ranks may have received as well.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from r1lite.parallel import exchange


class Stopped(BaseException):
    """The run was asked to stop. No Exception, so that nothing takes it for an error of its own."""

    def __init__(self, where: str = "", *, agreed: bool = False) -> None:
        super().__init__(where)
        self.where, self.agreed = where, agreed  # what was saved; whether all ranks have decided together


_asked = False
_finishes_step = False


@contextmanager
def on_sigterm() -> Iterator[None]:
    """Inside the context, SIGTERM asks the run to stop."""
    global _asked
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _asked = False
    before = signal.signal(signal.SIGTERM, _ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        _asked = False  # a later run of this process was not asked


def _ask(*_: object) -> None:
    global _asked
    first, _asked = not _asked, True
    if first and not _finishes_step:
        raise Stopped


@contextmanager
def after_steps() -> Iterator[None]:
    """Inside the context, the run looks after each step whether it is to stop."""
    global _finishes_step
    _finishes_step = True
    try:
        yield
    finally:
        _finishes_step = False


def is_asked() -> bool:
    """Whether any rank was asked to stop. All ranks must ask, after the same step."""
    return exchange.any_of(_asked)


def leave_if_asked(where: str) -> None:
    """Stop here, where everything is saved, if any rank was asked to."""
    if is_asked():
        raise Stopped(where, agreed=True)
