"""From what a program left behind to a Result. All of it may be forged, and is read as such: bounded, and as plain data."""

from __future__ import annotations

import json
import os
from typing import Any

from .inside import wire
from .types import Outcome, Program, Result, Status, Tier


def judge(program: Program, reply: wire.Reply, files: list[int], tier: Tier) -> Result:
    most = program.limits.output_kb << 10
    report = _read(files[wire.REPORT], most)
    too_much = any(os.fstat(file).st_size > most for file in files[wire.STDOUT : wire.REPORT + 1])
    failure = _failure(_read(files[wire.TEST_REPORT], most)) if program.test is not None else ""
    status = _status(reply, too_much=too_much, out_of_memory=report.endswith(wire.OUT_OF_MEMORY), failed=bool(failure))
    return Result(
        status=status,
        stdout=_read(files[wire.STDOUT], most).decode(errors="replace"),
        stderr=_read(files[wire.STDERR], most).decode(errors="replace"),
        exit_code=reply.exit_code if reply.ending == wire.EXITED else None,
        seconds=reply.seconds,
        tier=tier,
        outcomes=outcomes(report, len(program.calls)) if program.fn_name is not None else (),
        failure=failure,
    )


def _status(reply: wire.Reply, *, too_much: bool, out_of_memory: bool, failed: bool) -> Status:
    if too_much or reply.ending == wire.OUTPUT_LIMIT:
        return "output_limit"
    if reply.ending == wire.TIMEOUT:
        return "timeout"
    if out_of_memory:
        return "memory"
    if reply.exit_code < 0:
        return "killed"
    return "error" if reply.exit_code or failed else "ok"


def outcomes(report: bytes, calls: int) -> tuple[Outcome, ...]:
    """One a call. A line stands for the call of its place, so a forged one can only change what its own program answers."""
    lines = report.split(b"\n")[:calls]
    read = [_outcome(line) for line in lines]
    return tuple(read + [Outcome(error="not reached")] * (calls - len(read)))


def _outcome(line: bytes) -> Outcome:
    try:
        said: Any = json.loads(line)
    except (ValueError, RecursionError):
        said = None
    if type(said) is list and len(said) == 1:
        return Outcome(value=said[0])
    if type(said) is dict and type(said.get("error")) is str:
        return Outcome(error=_writable(said["error"]) or "Exception")
    return Outcome(error="unreadable" if line else "not reached")


def _failure(report: bytes) -> str:
    """Of a test. Its driver writes the report with its last breath: without one there was no pass."""
    if not report:
        return "the test did not end"
    try:
        return _writable(json.loads(report)["failure"])
    except ValueError:  # cut off: killed while it was written, or longer than may be read
        return "the test's report is unreadable"


def _writable(text: str) -> str:
    """What an exception said, for a log: half a surrogate pair can be written to no file."""
    return text.encode(errors="backslashreplace").decode()


def _read(file: int, most: int) -> bytes:
    return os.pread(file, most, 0)
