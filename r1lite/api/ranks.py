"""A run as one process or several: a rank's part of it, and what starts the ranks of `r1lite.train(..., processes=2)`.

The ranks of a call from Python are new interpreters that import what the call needs; the script or notebook does not run in them.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from threading import Thread

from r1lite.api import pipeline
from r1lite.api.ending import ending
from r1lite.api.rewards import functions_of
from r1lite.config import Config
from r1lite.console import in_notebook, output
from r1lite.parallel import exchange, guard, launch, meeting, stop, world
from r1lite.parallel.failure import INTERRUPTED_CODE, Failure, name_run

PROGRAM = "import sys; sys.path[:] = {path!r}; from r1lite.api.ranks import rank_of_call; rank_of_call()"


def run_here(cfg: Config) -> None:
    """This process's part of the run, or the whole of it. Exits if that fails."""

    def describe(error: BaseException) -> Failure | None:
        return ending(error, cfg)

    name_run(cfg.run_dir)
    try:
        with stop.on_sigterm():
            meeting.connect(cfg.parallel.timeout)
            with guard.guarded(cfg.parallel.timeout, describe):
                meeting.join(cfg.parallel.timeout, shard=cfg.parallel.shard, offload=cfg.parallel.offload)
                cfg.run_dir = exchange.on_leader(lambda: world.kept("run_dir", cfg.run_dir))
                name_run(cfg.run_dir)
                pipeline.train(cfg)
            meeting.leave()
    except BaseException as error:
        failure = describe(error)
        if failure is None:
            raise
        guard.say(failure)
        sys.exit(failure.code)


def run_in_ranks(cfg: Config, count: int, *, quiet: bool) -> None:
    """Run as several ranks. What ends them is raised: ValueError for what the user can mend."""
    from r1lite.scoring.functions import pickled

    name_run(cfg.run_dir)
    call = pickle.dumps({"cfg": cfg, "functions": pickled(functions_of(cfg)), "quiet": quiet})
    command = [sys.executable, "-c", PROGRAM.format(path=sys.path)]
    with _shown_in_cell() if in_notebook() else nullcontext() as stdout:
        failure = launch.run(count, command, restarts=cfg.parallel.restarts, stdin=call, stdout=stdout)
    if failure is None:
        return
    if failure.code == INTERRUPTED_CODE:
        raise KeyboardInterrupt
    message = f"{failure.details}{failure.message.removeprefix('error: ')}"
    raise RuntimeError(message) if failure.again else ValueError(message)


def rank_of_call() -> None:
    """In a rank: read the call from standard input, which the process that started this one has written."""
    launch.end_with_launcher()
    from r1lite.scoring.functions import register

    call = pickle.load(sys.stdin.buffer)
    register(call["functions"])
    with output(quiet=True) if call["quiet"] else nullcontext():
        run_here(call["cfg"])


@contextmanager
def _shown_in_cell() -> Iterator[int]:
    """A descriptor for the ranks' output, which a notebook shows below the cell: it does not show that of other processes."""
    reading, writing = os.pipe()

    def show() -> None:
        with os.fdopen(reading, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                print(line, end="", flush=True)

    thread = Thread(target=show, daemon=True)
    thread.start()
    try:
        yield writing
    finally:
        os.close(writing)
        thread.join()
