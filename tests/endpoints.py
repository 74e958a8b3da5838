"""A real server on this machine that answers as it is told to, and remembers what it was asked."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from r1lite.config import TeacherConfig

Behaviour = Callable[["Handler", dict[str, Any]], None]


class Handler(BaseHTTPRequestHandler):
    """One request; the server's `behave` decides."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.number = len(self.server.asked)
            self.server.asked.append(body)
            self.server.headers.append(dict(self.headers))
        self.close_connection = True
        self.server.behave(self, body)

    def say(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer(self, content: Any, *, reasoning: str | None = None, usage: Any = (10, 5), finish: str = "stop") -> None:
        message = {"role": "assistant", "content": content} | ({} if reasoning is None else {"reasoning_content": reasoning})
        whole: dict[str, Any] = {"choices": [{"message": message, "finish_reason": finish}]}
        if usage:
            whole["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
        self.say(200, json.dumps(whole).encode())

    def reset_in_mid_body(self) -> None:
        self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"choices": [{"mess')
        self.wfile.flush()
        # Closing without lingering sends a reset, not an end.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def hang(self) -> None:
        self.server.released.wait(20)

    def drip(self) -> None:
        """A byte now and then: no read ever times out, and the answer never ends."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not self.server.released.is_set():
            try:
                self.wfile.write(b" ")
            except OSError:
                return
            time.sleep(0.05)

    def finish(self) -> None:
        try:
            super().finish()
        except (OSError, ValueError):  # where the connection was reset on purpose
            return

    def log_message(self, *_: Any) -> None:
        return


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # connections that wait: several workers connect at once
    block_on_close = False

    def __init__(self, behave: Behaviour) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behave, self.lock, self.released = behave, threading.Lock(), threading.Event()
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, *_: Any) -> None:
        return


@contextmanager
def serving(behave: Behaviour) -> Iterator[Server]:
    server = Server(behave)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()


def settings(url: str, **changes: Any) -> TeacherConfig:
    plain: dict[str, Any] = {
        "url": url, "model": "wise", "api_key_env": "", "system": "", "temperature": 0.5, "max_tokens": 64, "extra": {}, "concurrency": 2,
        "requests_per_minute": 0.0, "retries": 3, "backoff": 0.01, "timeout": 5.0, "price_in": 0.0, "price_out": 0.0,
    }  # fmt: skip
    return TeacherConfig(**(plain | changes))
