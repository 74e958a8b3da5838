"""The network between ranks: which interface leads to the others, and whether somebody listens at a port."""

from __future__ import annotations

import socket
import struct
import time

SIOCGIFADDR = 0x8915  # from linux/sockios.h
POLL_SECONDS = 0.1


def wait_for_port(host: str, port: int, timeout: float) -> None:
    """Wait until somebody listens there; OSError if nobody does in time. torch's own attempts would fill the screen."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            socket.create_connection((host, port), timeout=5).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(POLL_SECONDS)


def interface_towards(host: str, port: int) -> str:
    """The interface that leads to a host; empty if that cannot be told.

    gloo takes the address that the machine's own name stands for, and many machines name a loopback address there, which no other
    machine reaches. If `host` is such a name of this machine, its only other interface is taken.
    """
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((host, port))  # sends nothing
            own = probe.getsockname()[0]
        interfaces = _interfaces()
    except (OSError, ImportError):
        return ""
    if not _is_loopback(own):
        return interfaces.get(own, "")
    outside = [name for address, name in interfaces.items() if not _is_loopback(address)]
    return outside[0] if len(outside) == 1 else ""


def _interfaces() -> dict[str, str]:
    """IPv4 address -> the interface that has it."""
    import fcntl

    found: dict[str, str] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            try:
                answer = fcntl.ioctl(probe.fileno(), SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
            except OSError:  # it has none
                continue
            found[socket.inet_ntoa(answer[20:24])] = name
    return found


def _is_loopback(address: str) -> bool:
    return address.startswith("127.")
