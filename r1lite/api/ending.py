"""How a run ended, in words for the user."""

from __future__ import annotations

import errno
import re
import traceback
from pathlib import Path

from r1lite.config import Config
from r1lite.parallel import doing, world
from r1lite.parallel.failure import INTERRUPTED_CODE, STOPPED_CODE, Failure, first_line, resume
from r1lite.parallel.stop import Stopped

ON_CPU = re.compile(r"you tried to allocate (\d+) bytes")


def ending(error: BaseException, cfg: Config) -> Failure | None:
    """The message and the exit code for an error; None for a bug, which keeps its traceback."""
    if isinstance(error, Stopped):
        where = f" {error.where}" if error.where else ""
        return Failure(message=f"stopped by SIGTERM{where}. {resume()}", code=STOPPED_CODE, again=False)
    if isinstance(error, KeyboardInterrupt):
        return Failure(message=f"stopped. {resume()}", code=INTERRUPTED_CODE, again=False)
    if isinstance(error, SystemExit):  # of a plugin
        code = error.code if isinstance(error.code, int) else 1
        message = f"{_place()} ended by itself while {doing.now().in_words()}, with exit code {code}"
        return Failure(message=f"error: {message if isinstance(error.code, int | None) else error.code}", code=code or 1, again=False)
    if is_out_of_memory(error):
        return Failure(message=f"error: {_out_of_memory(error, cfg)}{saved_traceback(error, cfg)}")
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        message = f"error: the disk is full. Free some space and run the same command with run_dir={cfg.run_dir} to resume."
        return Failure(message=message, again=False)
    if isinstance(error, ValueError):  # meant for the user
        return Failure(message=f"error: {error}{saved_traceback(error, cfg)}", again=False)
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """torch has a class of error for GPUs alone."""
    text = str(error).lower()
    said = "out of memory" in text or "can't allocate memory" in text or "cannot allocate memory" in text
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError | OSError) and said)


def saved_traceback(error: BaseException, cfg: Config) -> str:
    """Write the traceback to a file in the run directory, and return a hint that names it."""
    folder = Path(cfg.run_dir)
    if not (folder / "config.yaml").is_file():
        return ""
    try:
        (folder / "error.log").write_text("".join(traceback.format_exception(error)))
    except OSError:  # a full disk must not hide the original error
        return ""
    return f"\n(traceback: {folder / 'error.log'})"


def _out_of_memory(error: BaseException, cfg: Config) -> str:
    size = ON_CPU.search(str(error))
    wanted = f"it asked for {int(size[1]) / 2**20:,.0f} MiB more" if size else first_line(error).partition(" If reserved")[0].rstrip(".")
    what = f"{_place()} ran out of memory while {doing.now().in_words()}{f': {wanted}' if wanted else ''}"
    return f"{what}. {_less_memory(cfg)} {resume()}"


def _less_memory(cfg: Config) -> str:
    """The settings that take less memory for what this rank was doing. They are free to change in a run that has begun."""
    from r1lite.settings.rounds import kind_of, settings_for

    now, stage = doing.now(), doing.now().stage
    of_stage = getattr(settings_for(cfg, stage), kind_of(stage), None) if stage else None
    tokens = getattr(of_stage, "micro_batch_tokens", None)
    training = [f"{stage}.micro_batch_tokens (now {tokens})"] if tokens else []
    sampling = [f"sampler.max_rows (now {cfg.sampler.max_rows}) or sampler.cache_mb (now {cfg.sampler.cache_mb})"]
    if now.phase in ("train", "check"):
        sampling = []
    elif now.phase in ("sample", "wait", "evaluate"):
        training = []
    lower = f"Lower {' or '.join(training + sampling)}" if training + sampling else "Take a smaller model"
    recompute = ", or set model.gradient_checkpointing=true" if training and not cfg.model.gradient_checkpointing else ""
    return f"{lower}{recompute}."


def _place() -> str:
    return world.place_of(world.rank()) if world.size() > 1 else "the run"
