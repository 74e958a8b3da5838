"""What goes into the sandbox and what comes out. Plain data: nothing here runs anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["ok", "error", "timeout", "memory", "output_limit", "killed"]
Tier = Literal["full", "reduced", "unsafe"]


class SandboxError(RuntimeError):
    """The sandbox itself failed, or refuses to start. Says nothing about any program."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one program may use, all its threads together."""

    seconds: float = 5.0  # on the clock, from its start to its verdict
    cpu_seconds: float | None = None  # of processor time; None: as many as `seconds`
    memory_mb: int = 256  # beyond what the interpreter itself holds
    output_kb: int = 1024  # of stdout, of stderr, and of returned values, each
    disk_mb: int = 16  # in files, all together
    files: int = 256  # how many files and folders may exist at once
    open_files: int = 64
    threads: int = 16

    def __post_init__(self) -> None:
        for name in ("seconds", "memory_mb", "output_kb", "disk_mb", "files", "open_files", "threads"):
            if not getattr(self, name) > 0:
                raise ValueError(f"Limits.{name} must be above 0, got {getattr(self, name)!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """Python code, and one of three ways of using it.

    stdin and stdout:  Program(code=..., stdin="1 2\\n")
    function calls:    Program(code=..., fn_name="add", calls=[[1, 2], [3, 4]])
    an assertion test: Program(code=..., entry_point="add", test="def check(candidate):\\n    assert candidate(1, 2) == 3")
    """

    code: str
    stdin: str | bytes = ""
    limits: Limits = field(default_factory=Limits)
    # One list of JSON arguments a call. The function is looked up in the code's globals, then as a method of `Solution()`.
    fn_name: str | None = None
    calls: Sequence[Sequence[Any]] = ()
    # Trusted text, run in a process that the code cannot reach. There `candidate` and the entry point's own name stand
    # for the code's function; a function `check` that the test defines is called with it.
    test: str | None = None
    entry_point: str | None = None
    # Trusted text, run before `test`: helpers that the test uses (HumanEval: the prompt).
    setup: str = ""

    def __post_init__(self) -> None:
        if self.fn_name is not None and self.test is not None:
            raise ValueError("a Program has either fn_name and calls, or test and entry_point, not both")
        if self.calls and self.fn_name is None:
            raise ValueError("a Program with calls needs fn_name")
        if self.test is not None and self.entry_point is None:
            raise ValueError("a Program with a test needs entry_point, the name of the function that is tested")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What one function call gave: a value of plain JSON, or why there is none."""

    value: Any = None
    # Empty when the call returned; else the exception's name and text, "not JSON: ..." or "not reached".
    error: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What became of a program."""

    # ok: it ended by itself with exit code 0 (calls: all were made; a test: it passed). error: any other ending of its own.
    # memory: it ran out of memory and did not recover. killed: it died of a signal, such as a segmentation fault.
    status: Status
    stdout: str
    stderr: str
    exit_code: int | None  # None: it was stopped; below 0: the signal that it died of
    seconds: float
    tier: Tier
    outcomes: tuple[Outcome, ...] = ()  # one a call, in order
    failure: str = ""  # what the test said when it failed
