"""Serves the page of a run on this machine alone, to whoever knows the address.

Covered: it listens on the loopback address; every path begins with a random token, without which nothing is told apart; requests
under another host name, as a page of another site could send them, are refused; nothing is ever written, and no path of a request
names a file. Not covered: whoever can read this process's memory or the terminal that shows the address.
"""

from __future__ import annotations

import gzip
import secrets
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from r1lite.page.live import Live

HOST = "127.0.0.1"
NAMES = (HOST, "localhost", "[::1]")  # under which a browser may ask, perhaps through a forwarded port
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
SECONDS = 30.0  # of a connection that says nothing


class Server(ThreadingHTTPServer):
    """A page at `address`, until it is shut down."""

    daemon_threads = True
    allow_reuse_address = False

    def __init__(self, live: Live, port: int = 0) -> None:
        self.live, self.token = live, secrets.token_urlsafe(24)
        try:
            super().__init__((HOST, port), Handler)
        except OSError as error:
            raise ValueError(f"port {port} of {HOST} cannot be used: {error.strerror}; leave port= out for a free one") from error

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.server_port}/{self.token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle of an answer is no error."""


class Handler(BaseHTTPRequestHandler):
    """Answers with the page, the overview or the rollouts."""

    timeout = SECONDS
    server_version, sys_version = "r1lite", ""

    def do_GET(self) -> None:
        host = (self.headers.get("Host") or "").rpartition(":")
        name = host[0] if host[1] and host[2].isdigit() else host[2]
        server, words = self.server, self.path.split("/")
        assert isinstance(server, Server)
        is_known = len(words) == 3 and secrets.compare_digest(words[1].encode(), server.token.encode())
        if name not in NAMES or not is_known or words[2] not in ("", "overview", "rollouts"):
            self._answer(404, b"", "text/plain")
        elif not words[2]:
            self._answer(200, gzip.compress(server.live.page().encode(), 6), "text/html; charset=utf-8")
        else:
            part = server.live.part(words[2])
            known = self.headers.get("If-None-Match") == part.tag
            self._answer(304 if known else 200, b"" if known else part.body, "application/json", tag=part.tag)

    def _answer(self, status: int, body: bytes, kind: str, tag: str = "") -> None:
        self.send_response(status)
        headers = {"Content-Type": kind, "Content-Length": str(len(body)), **HEADERS}
        headers |= {"Content-Encoding": "gzip"} if body else {}
        headers |= {"ETag": tag} if tag else {}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a log would hold the token."""
