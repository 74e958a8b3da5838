"""A test's own process: runs the trusted test, and requests every value from the program in the other process.

The model's code never runs here. Its answers are plain data, so a test compares exact built-in types, and a pass is written only
when the test has run to its last line. The program cannot reach this process or its report.
"""

from __future__ import annotations

import builtins
import gc
import json
import os
import traceback
import types
from collections.abc import Callable
from typing import Any, Final

from . import channel, plain
from .answer import READY
from .confine import REPORT_FD

_FILE: Final = "test.py"


class ProgramError(Exception):
    """The tested function raised an exception that is not one of Python's own, or one that would interfere with the test."""


# Raised within `map` or `next`, these would silently end a loop of the test instead of failing it.
_ENDS_A_LOOP: Final = (StopIteration, StopAsyncIteration)


class ProgramEnded(BaseException):
    """The program no longer answers. A BaseException, so that a test's `except Exception` cannot take it for an answer."""


def drive(job: dict[str, Any], limit: int) -> None:
    gc.enable()
    try:
        _test(job, limit)
        failure = ""
    except BaseException as error:
        failure = _failure(error)
    os.write(REPORT_FD, json.dumps({"failure": failure}).encode())


def _test(job: dict[str, Any], limit: int) -> None:
    _receive(limit, READY)
    module = types.ModuleType("test")
    names = module.__dict__
    exec(compile(job["setup"], "setup.py", "exec", dont_inherit=True), names)
    called: set[str] = set()
    candidate = _proxy(job["entry_point"], limit, called)
    names |= {"candidate": candidate, job["entry_point"]: candidate}
    before = names.get("check")
    exec(compile(job["test"], _FILE, "exec", dont_inherit=True), names)
    # Only one that the test defines: the tested function or a helper in the setup may have the same name.
    check = names.get("check")
    if callable(check) and check is not before:
        check(candidate)
    if not called:  # a test that only defines functions, say, would pass any code
        raise ValueError(f"the test ended without a call of {job['entry_point']}")


def _receive(limit: int, expected: bytes = b"") -> bytes:
    try:
        data = channel.receive(limit)
    except channel.Ended:
        raise ProgramEnded("the program ended before it answered") from None
    if expected and data != expected:
        raise ProgramEnded("the program sent unexpected data")
    return data


def _proxy(name: str, limit: int, called: set[str]) -> Callable[..., Any]:
    def candidate(*arguments: Any, **keywords: Any) -> Any:
        called.add(name)
        request = plain.dumps([name, list(arguments), keywords])
        try:
            channel.send(request)
        except channel.Ended:
            raise ProgramEnded("the program ended before it was called") from None
        answer = _receive(limit)
        try:
            word, *rest = plain.loads(answer)
        except (ValueError, TypeError):
            raise ProgramEnded("the program's answer is unreadable") from None
        if word == "returned" and len(rest) == 2:
            # Not if there is a value too: a test that computes its expectation from the argument could then be shown anything.
            if rest[0] is None:
                _copy_back(arguments, rest[1])
            return rest[0]
        raise _raised(*rest)

    candidate.__name__ = candidate.__qualname__ = name
    return candidate


def _copy_back(arguments: tuple[Any, ...], changed: dict[int, Any]) -> None:
    for position, value in changed.items():
        argument = arguments[position]
        if isinstance(argument, list | bytearray):
            argument[:] = value
        elif isinstance(argument, dict | set):
            argument.clear()
            argument.update(value)


def _raised(kind: Any = "", *arguments: Any) -> Exception:
    """One of Python's own exceptions by its name, so that a test may expect it; never one that would end this process."""
    exception = getattr(builtins, kind, None) if isinstance(kind, str) else None
    if isinstance(exception, type) and issubclass(exception, Exception) and not issubclass(exception, (AssertionError, *_ENDS_A_LOOP)):
        try:
            return exception(*arguments)
        except TypeError:
            pass
    return ProgramError(f"{kind}: {', '.join(map(str, arguments))}")


def _failure(error: BaseException) -> str:
    lines = traceback.format_exception_only(type(error), error)
    line_numbers = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == _FILE]
    return "".join(lines).strip()[:2000] + (f" (line {line_numbers[-1]} of the test)" if line_numbers else "")
