"""Input and output of the sandbox, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["ok", "error", "timeout", "memory", "output_limit", "killed"]
Tier = Literal["full", "reduced", "unsafe"]


class SandboxError(RuntimeError):
    """The sandbox itself failed or refuses to start. This says nothing about any program."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one program may use, counting all its threads."""

    seconds: float = 5.0  # of wall-clock time, from its start to its verdict
    cpu_seconds: float | None = None  # of processor time; None: the same as `seconds`
    memory_mb: int = 256  # in addition to what the interpreter itself uses
    output_kb: int = 1024  # for each of stdout, stderr and returned values
    disk_mb: int = 16  # total size of its files
    files: int = 256  # files and folders that exist at the same time
    open_files: int = 64
    threads: int = 16

    def __post_init__(self) -> None:
        for name in ("seconds", "memory_mb", "output_kb", "disk_mb", "files", "open_files", "threads"):
            if not getattr(self, name) > 0:
                raise ValueError(f"Limits.{name} must be above 0, got {getattr(self, name)!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """Python code, to be run in one of three ways.

    stdin and stdout:  Program(code=..., stdin="1 2\\n")
    function calls:    Program(code=..., fn_name="add", calls=[[1, 2], [3, 4]])
    an assertion test: Program(code=..., entry_point="add", test="def check(candidate):\\n    assert candidate(1, 2) == 3")
    """

    code: str
    stdin: str | bytes = ""
    limits: Limits = field(default_factory=Limits)
    # One list of JSON arguments per call. The function is looked up in the code's globals, then as a method of `Solution()`.
    fn_name: str | None = None
    calls: Sequence[Sequence[Any]] = ()
    # Trusted text, run in a process that the code cannot reach. There, `candidate` and the entry point's own name stand
    # for the code's function. If the test defines a function `check`, it is called with `candidate`.
    test: str | None = None
    entry_point: str | None = None
    # Trusted text, run before `test`: helpers that the test uses, such as the prompt of HumanEval.
    setup: str = ""

    def __post_init__(self) -> None:
        if self.fn_name is not None and self.test is not None:
            raise ValueError("a Program has either fn_name and calls or test and entry_point, not both")
        if self.calls and self.fn_name is None:
            raise ValueError("a Program with calls needs fn_name")
        if self.test is not None and self.entry_point is None:
            raise ValueError("a Program with a test needs entry_point, the name of the function to test")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The result of one function call: a plain JSON value, or the reason why there is none."""

    value: Any = None
    # Empty if the call returned; otherwise the exception's name and text, "not JSON: ..." or "not reached".
    error: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The result of a program."""

    # ok: it exited by itself with code 0 (every call was made, or the test passed). error: it ended by itself in any other way.
    # memory: it ran out of memory and did not recover. killed: a signal ended it, such as a segmentation fault.
    status: Status
    stdout: str
    stderr: str
    exit_code: int | None  # None if it was stopped; below 0, the signal that ended it
    seconds: float
    tier: Tier
    outcomes: tuple[Outcome, ...] = ()  # one per call, in order
    failure: str = ""  # why the test failed
