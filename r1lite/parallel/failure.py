"""Why the ranks end: what one of them, or the launcher, puts into the store for all."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from r1lite.parallel import doing, world

KEY, SAID = "failure", "failure/said"
KILLED_FOR_MEMORY = "The kernel kills processes when memory runs out: `dmesg` says so, and lower settings of memory help then. "
INTERRUPTED_CODE = 130  # 128 + SIGINT
STOPPED_CODE = 143  # 128 + SIGTERM: torchrun and Slurm take the run for unfinished


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """Why the ranks end."""

    message: str
    details: str = ""  # a traceback
    code: int = 1  # with which they end
    culprit: int | None = None  # a rank that may not be able to end by itself
    stands_still: bool = False  # it cannot
    again: bool = True  # whether another attempt may succeed


_run_dir = ""


def name_run(folder: str) -> None:
    """Let messages name the run directory: without `run_dir=` the same command would begin another run."""
    global _run_dir
    _run_dir = folder


def resume() -> str:
    named = f" with run_dir={_run_dir}" if _run_dir else ""
    return f"The same command{named} resumes the run from its last checkpoint."


Describe = Callable[[BaseException], Failure | None]  # None if the error is a bug


def record(store: Any, failure: Failure) -> Failure:
    """Put the failure into the store, unless there is one already, and return the one that is there."""
    return Failure(**json.loads(store.compare_set(KEY, "", json.dumps(asdict(failure)))))


def recorded(store: Any) -> Failure | None:
    return Failure(**json.loads(store.get(KEY))) if store.check([KEY]) else None


def is_said(store: Any) -> bool:
    return store.check([SAID])


def may_say(store: Any, name: str) -> bool:
    """Whether this process is the one to print the message."""
    return store.compare_set(SAID, "", name).decode() == name


def failure_of(error: BaseException, describe: Describe | None) -> Failure:
    """What this rank's error means for all."""
    here = f"error: {world.place_of(world.rank())}"
    if is_lost_connection(error) and not world.world().groups:
        hint = "Set GLOO_SOCKET_IFNAME (and NCCL_SOCKET_IFNAME, for GPUs) to the network interface that leads to the other machines."
        return Failure(message=f"{here} cannot connect to the other ranks: {first_line(error)}. {hint}", again=False)
    if is_lost_connection(error):
        return Failure(message=f"{here} lost the other ranks while {doing.now().in_words()}: {first_line(error)}. {resume()}")
    described = describe(error) if describe is not None else None
    if described is not None:
        return described
    if isinstance(error, ValueError):  # meant for the user
        return Failure(message=f"error: {error}", again=False)
    message = f"{here} failed while {doing.now().in_words()}: {type(error).__name__}: {first_line(error)}"
    return Failure(message=message, details="".join(traceback.format_exception(error)))


def is_lost_connection(error: BaseException) -> bool:
    """Whether the error says only that another rank is gone, or did not come."""
    from torch.distributed import DistError

    return isinstance(error, DistError) or (isinstance(error, RuntimeError) and "gloo" in str(error).lower())


def first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "")[:500]
