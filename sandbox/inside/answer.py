"""The tested program's side of a test: answers calls until nobody asks any more.

Runs beside the model's code, so all it sends is worth no more than that code's word: values, never a verdict.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Any, Final

from . import channel, plain

READY: Final = b"ready"
# Changes in place to these come back to the caller when the function returns None, as one that sorts its argument does.
_CHANGEABLE: Final = (list, dict, set, bytearray)


def answer(find: Callable[[str], Callable[..., Any]], most: int) -> None:
    channel.send(READY)
    while True:
        try:
            asked = channel.receive(1 << 30)
        except channel.Ended:
            return
        reply = _reply(find, asked)
        if len(reply) > most:
            reply = plain.dumps(["raised", "TypeError", "the value is larger than the output limit"])
        _let_out_what_was_printed()
        channel.send(reply)


def _let_out_what_was_printed() -> None:
    """Before the answer: after the test's last one this process is ended, whatever it still holds."""
    with contextlib.suppress(BaseException):
        sys.stdout.flush()
        sys.stderr.flush()


def _reply(find: Callable[[str], Callable[..., Any]], asked: bytes) -> bytes:
    """["returned", value, changed arguments by position] or ["raised", type, what it was made with]."""
    name, arguments, keywords = plain.loads(asked)
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
    return {at: arguments[at] for at, text in enumerate(before) if text and plain.dumps(arguments[at]) != text}


def _raised(error: BaseException) -> bytes:
    name = type(error).__name__
    try:
        return plain.dumps(["raised", name, *error.args])
    except BaseException:
        return plain.dumps(["raised", name])
