"""A test's own process: runs the trusted test, and asks the program in the other process for every value.

The model's code never runs here. What comes from it is plain data, so a test compares exact built-in types, and only a test
that ran to its last line writes a pass. The program cannot reach this process or its report.
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
    """The tested function raised what is no exception of Python's own, or its process ended."""


# Raised within `map` or `next`, these end a loop of the test in silence instead of failing it.
_ENDS_A_LOOP: Final = (StopIteration, StopAsyncIteration)


class ProgramEnded(BaseException):
    """Nobody answers any more. No `except Exception` of a test takes it for an answer."""


def drive(job: dict[str, Any], most: int) -> None:
    gc.enable()
    try:
        _test(job, most)
        failure = ""
    except BaseException as error:
        failure = _failure(error)
    os.write(REPORT_FD, json.dumps({"failure": failure}).encode())


def _test(job: dict[str, Any], most: int) -> None:
    _receive(most, READY)
    module = types.ModuleType("test")
    names = module.__dict__
    exec(compile(job["setup"], "setup.py", "exec", dont_inherit=True), names)
    called: set[str] = set()
    candidate = _proxy(job["entry_point"], most, called)
    names |= {"candidate": candidate, job["entry_point"]: candidate}
    before = names.get("check")
    exec(compile(job["test"], _FILE, "exec", dont_inherit=True), names)
    # The test's own alone: the tested function or a helper of the setup may have that name too.
    check = names.get("check")
    if callable(check) and check is not before:
        check(candidate)
    if not called:  # such as one that only defines functions: it would pass whatever it is given
        raise ValueError(f"the test ended without a call of {job['entry_point']}")


def _receive(most: int, due: bytes = b"") -> bytes:
    try:
        data = channel.receive(most)
    except channel.Ended:
        raise ProgramEnded("the program ended before it answered") from None
    if due and data != due:
        raise ProgramEnded("the program broke off")
    return data


def _proxy(name: str, most: int, called: set[str]) -> Callable[..., Any]:
    def candidate(*arguments: Any, **keywords: Any) -> Any:
        called.add(name)
        asked = plain.dumps([name, list(arguments), keywords])
        try:
            channel.send(asked)
        except channel.Ended:
            raise ProgramEnded("the program ended before it was asked") from None
        answered = _receive(most)
        try:
            word, *rest = plain.loads(answered)
        except (ValueError, TypeError):
            raise ProgramEnded("the program's answer is unreadable") from None
        if word == "returned" and len(rest) == 2:
            # With a value as well, a test that looks at the argument again could be shown what it is about to expect.
            if rest[0] is None:
                _copy_back(arguments, rest[1])
            return rest[0]
        raise _raised(*rest)

    candidate.__name__ = candidate.__qualname__ = name
    return candidate


def _copy_back(arguments: tuple[Any, ...], changed: dict[int, Any]) -> None:
    for at, value in changed.items():
        mine = arguments[at]
        if isinstance(mine, list | bytearray):
            mine[:] = value
        elif isinstance(mine, dict | set):
            mine.clear()
            mine.update(value)


def _raised(kind: Any = "", *arguments: Any) -> Exception:
    """An exception of Python's own by its name, so that a test may expect it. Nothing that would end this process."""
    known = getattr(builtins, kind, None) if isinstance(kind, str) else None
    if isinstance(known, type) and issubclass(known, Exception) and not issubclass(known, (AssertionError, *_ENDS_A_LOOP)):
        try:
            return known(*arguments)
        except TypeError:
            pass
    return ProgramError(f"{kind}: {', '.join(map(str, arguments))}")


def _failure(error: BaseException) -> str:
    lines = traceback.format_exception_only(type(error), error)
    where = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == _FILE]
    return "".join(lines).strip()[:2000] + (f" (line {where[-1]} of the test)" if where else "")
