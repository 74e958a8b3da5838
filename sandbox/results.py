"""Turns what a program wrote into a Result. All of it may be forged, so it is read up to a limit and as plain data only."""

from __future__ import annotations

import json
import os
from typing import Any

from .inside import wire
from .types import Outcome, Program, Result, Status, Tier


def result_of(program: Program, reply: wire.Reply, files: list[int], tier: Tier) -> Result:
    limit = program.limits.output_kb << 10
    report = _read(files[wire.REPORT], limit)
    too_much = any(os.fstat(file).st_size > limit for file in files[wire.STDOUT : wire.REPORT + 1])
    failure = _failure(_read(files[wire.TEST_REPORT], limit)) if program.test is not None else ""
    status = _status(reply, too_much=too_much, out_of_memory=report.endswith(wire.OUT_OF_MEMORY), failed=bool(failure))
    return Result(
        status=status,
        stdout=_read(files[wire.STDOUT], limit).decode(errors="replace"),
        stderr=_read(files[wire.STDERR], limit).decode(errors="replace"),
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
    """One outcome per call. Line n belongs to call n, so a forged line only changes what its own program answers."""
    lines = report.split(b"\n")[:calls]
    reached = [_outcome(line) for line in lines]
    return tuple(reached + [Outcome(error="not reached")] * (calls - len(reached)))


def _outcome(line: bytes) -> Outcome:
    try:
        record: Any = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    if type(record) is list and len(record) == 1:
        return Outcome(value=record[0])
    if type(record) is dict and type(record.get("error")) is str:
        return Outcome(error=_writable(record["error"]) or "Exception")
    return Outcome(error="unreadable" if line else "not reached")


def _failure(report: bytes) -> str:
    """Why a test failed; empty if it passed. Its driver writes the report at the very end: without a report there is no pass."""
    if not report:
        return "the test did not end"
    try:
        return _writable(json.loads(report)["failure"])
    except ValueError:  # cut off: killed while writing it, or longer than the limit
        return "the test's report is unreadable"


def _writable(text: str) -> str:
    """An exception's text in a form that can be written to a file: a lone surrogate cannot."""
    return text.encode(errors="backslashreplace").decode()


def _read(file: int, limit: int) -> bytes:
    return os.pread(file, limit, 0)
