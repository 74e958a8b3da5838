"""A connection to one vLLM server, and the errors by which a call to it can fail."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from typing import Any

COMPLETIONS, GENERATE = "/v1/completions", "/inference/v1/generate"
PAUSES = (0.2, 1.0, 3.0)  # seconds before a request is repeated after its connection broke
NOT_REPEATED = ("/start_weight_update", "/finish_weight_update")  # the server may have done it: the update begins anew instead
BROKEN = (ConnectionResetError, BrokenPipeError, ConnectionAbortedError, RemoteDisconnected, IncompleteRead)
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # servers are private: never through a proxy

Json = dict[str, Any]


class ServerError(Exception):
    """The server does not answer, or its answer is not valid."""


class ConnectionBroken(ServerError):
    """The connection ended before the answer, as on a bad network, or when a server dies."""


class RequestRefused(ServerError):
    """The server answered with an error status."""


class UnknownModel(RequestRefused):
    """The server has no weights or adapters of this name."""


@dataclass(eq=False, slots=True)
class Connection:
    """The address of a server."""

    url: str
    seconds: float  # deadline of a call

    def fetch_json(self, path: str, body: Json | None = None, *, seconds: float = 0.0) -> Json:
        """The JSON object that the server answers, to a POST if there is a body."""
        return _parse_object(self._send("POST" if body is not None else "GET", path, body, seconds))

    def post(self, path: str, body: Json | None = None) -> None:
        """A POST of which only the status matters."""
        self._send("POST", path, body, 0.0)

    def _send(self, method: str, path: str, body: Json | None, seconds: float) -> bytes:
        """The body of the answer. A request whose connection broke is repeated, unless the server refuses connections: it is gone."""
        for pause in () if path in NOT_REPEATED else PAUSES:
            try:
                return self._send_once(method, path, body, seconds)
            except ConnectionBroken:
                time.sleep(pause)
        return self._send_once(method, path, body, seconds)

    def _send_once(self, method: str, path: str, body: Json | None, seconds: float) -> bytes:
        """The body of the answer. ValueError if a request for a completion is invalid: another server would refuse it too."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if body is not None else {}
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with _OPENER.open(request, timeout=seconds or self.seconds) as response:
                return response.read()
        except urllib.error.HTTPError as error:
            raise self._error_of(path, error) from error
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, TimeoutError):
                limit = f"{seconds:g} s" if seconds else f"{self.seconds:g} s (sampler.seconds)"
                raise ServerError(f"it has not answered within {limit}") from error
            kind = ConnectionBroken if isinstance(reason, BROKEN) else ServerError
            raise kind(str(reason) or type(reason).__name__) from error

    def _error_of(self, path: str, error: urllib.error.HTTPError) -> Exception:
        """The exception for an HTTP status."""
        message = error.read().decode(errors="replace")[:400]
        if error.code in (404, 405) and not path.startswith("/v1/"):
            return RequestRefused(f"it has no {path.partition('?')[0]}: start it with VLLM_SERVER_DEV_MODE=1, see docs/how/samplers.md")
        if error.code == 403 and path == GENERATE:
            return RequestRefused(f"it does not serve {path}: start it with --enable-scale-out, which rl.asynchronous needs")
        if error.code in (400, 422) and path in (COMPLETIONS, GENERATE):
            return ValueError(f"vllm_server: {self.url} refuses the request: {message}")
        kind = UnknownModel if error.code == 404 and path == COMPLETIONS else RequestRefused
        return kind(f"{path.partition('?')[0]} answers {error.code}: {message}")


def _parse_object(text: bytes) -> Json:
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ServerError("its answer is not JSON") from error
    if not isinstance(value, dict):
        raise ServerError("its answer is not a JSON object")
    return value
