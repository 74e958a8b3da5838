"""Messages between a test's driver and the tested program: a length of four bytes, then the data."""

from __future__ import annotations

import os
from typing import Final

from .confine import CHANNEL_FD

_LENGTH: Final = 4


class Ended(Exception):
    """The other side has ended, or violated the protocol."""


def send(data: bytes) -> None:
    data = len(data).to_bytes(_LENGTH, "big") + data
    try:
        while data:
            data = data[os.write(CHANNEL_FD, data) :]
    except OSError:
        raise Ended from None


def receive(limit: int) -> bytes:
    length = int.from_bytes(_exactly(_LENGTH), "big")
    if length > limit:
        raise Ended
    return _exactly(length)


def _exactly(length: int) -> bytes:
    parts = []
    while length:
        part = os.read(CHANNEL_FD, min(length, 1 << 16))
        if not part:
            raise Ended
        parts.append(part)
        length -= len(part)
    return b"".join(parts)
