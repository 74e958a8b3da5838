"""A process in place of a vLLM server, for tests of the launcher: it answers as StandIn in vllm_servers.py does.

    python stub_server.py PORT HOST [engine|dies]

With `engine` it starts a process of its own, as vLLM does, which must not survive it. With `dies` it fails as vLLM would. /die kills it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAME = "stub"
weights = "default"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/die":
            os.kill(os.getpid(), signal.SIGKILL)
        self.answer({"data": [{"id": NAME}]} if self.path == "/v1/models" else {"weight_version": weights})

    def do_POST(self) -> None:
        global weights
        said = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        if self.path == "/finish_weight_update":
            weights = said["weight_version"]
        if self.path != "/v1/completions":
            return self.answer({})
        time.sleep(0.05)
        choice = {"token_ids": [said["seed"] % 97, 260], "logprobs": {"token_logprobs": [-1.0, -2.0]}, "finish_reason": "stop"}
        return self.answer({"choices": [choice]})

    def answer(self, what: dict[str, object]) -> None:
        body = json.dumps(what).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """In silence."""


if __name__ == "__main__":
    port, host, *how = sys.argv[1:]
    if "dies" in how:
        sys.exit("Traceback (most recent call last):\nValueError: No available memory for the cache blocks\nmore lines")
    if "engine" in how:
        print("engine", subprocess.Popen(["sleep", "1000"]).pid, flush=True)
    ThreadingHTTPServer((host, int(port)), Handler).serve_forever()
