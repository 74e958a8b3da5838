"""The protocol between the supervisor and the fork server, shared by both sides. It carries no text of any program.

A request is one packet: a kind, the limits, and descriptors of memory files for the code, its input and its output. So the fork
server never holds the contents of a program, and leaves nothing of it for the next program to read. A reply is one packet of fixed
size.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

SCRIPT, CALLS, TEST = range(3)
EXITED, TIMEOUT, OUTPUT_LIMIT, NOT_STARTED = range(4)

# The descriptors of a request, in order. The last two are present only with a test.
CODE, STDIN, STDOUT, STDERR, REPORT, TEST_TEXT, TEST_REPORT = range(7)
# The last line of a report if the program ran out of memory and did not recover.
OUT_OF_MEMORY: Final = b'"memory"'

_REQUEST: Final = struct.Struct("=Bdd6Q")
_REPLY: Final = struct.Struct("=Bid")
REQUEST_SIZE: Final = _REQUEST.size
REPLY_SIZE: Final = _REPLY.size


class Request(NamedTuple):
    kind: int
    seconds: float
    cpu_seconds: float
    memory: int  # in bytes, like the two below
    output: int
    disk: int
    files: int
    open_files: int
    threads: int

    def packed(self) -> bytes:
        return _REQUEST.pack(*self)


class Reply(NamedTuple):
    ending: int
    exit_code: int
    seconds: float

    def packed(self) -> bytes:
        return _REPLY.pack(*self)


def request(packet: bytes) -> Request:
    return Request(*_REQUEST.unpack(packet))


def reply(packet: bytes) -> Reply:
    return Reply(*_REPLY.unpack(packet))
