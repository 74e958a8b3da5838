"""The tested program's side of a test: answers calls until the connection ends.

Runs in the process of the model's code, which may forge anything sent from here: values only, never a verdict.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Any, Final

from . import channel, plain

READY: Final = b"ready"
# If the function returns None, changes to arguments of these types are sent back, as for a function that sorts its argument.
_CHANGEABLE: Final = (list, dict, set, bytearray)


def answer(find: Callable[[str], Callable[..., Any]], limit: int) -> None:
    channel.send(READY)
    while True:
        try:
            request = channel.receive(1 << 30)
        except channel.Ended:
            return
        reply = _reply(find, request)
        if len(reply) > limit:
            reply = plain.dumps(["raised", "TypeError", "the value is larger than the output limit"])
        _flush_output()
        channel.send(reply)


def _flush_output() -> None:
    """Before each answer: after the test's last call this process is killed, and its buffered output would be lost."""
    with contextlib.suppress(BaseException):
        sys.stdout.flush()
        sys.stderr.flush()


def _reply(find: Callable[[str], Callable[..., Any]], request: bytes) -> bytes:
    """["returned", value, changed arguments by position] or ["raised", type, its arguments]."""
    name, arguments, keywords = plain.loads(request)
    before = [plain.dumps(argument) if isinstance(argument, _CHANGEABLE) else b"" for argument in arguments]
    try:
        value = find(name)(*arguments, **keywords)
        changed = _changed(arguments, before) if value is None else {}
        return plain.dumps(["returned", value, changed])
    except MemoryError:
        raise
    except BaseException as error:
        return _raised(error)


def _changed(arguments: list[Any], before: list[bytes]) -> dict[int, Any]:
    return {i: arguments[i] for i, text in enumerate(before) if text and plain.dumps(arguments[i]) != text}


def _raised(error: BaseException) -> bytes:
    name = type(error).__name__
    try:
        return plain.dumps(["raised", name, *error.args])
    except BaseException:
        return plain.dumps(["raised", name])
