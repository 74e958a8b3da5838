"""One vLLM server over HTTP: what the sampler asks of it, and the two ways in which that fails."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

from r1lite.sampling.asking import Answer, Ask

QUICK = 10.0  # seconds, for questions that a server answers at once
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # servers are private: no proxy stands between


class Lost(Exception):
    """The server does not answer, or not as a server in order would."""


class Refused(Lost):
    """It answered that it will not do this."""


@dataclass(eq=False, slots=True)
class Server:
    """Where it is, and why it may not be asked at the moment (empty: it may)."""

    url: str
    seconds: float  # deadline of one call
    why_not: str = "it has not been given weights"
    lock: threading.Lock = field(default_factory=threading.Lock)  # one update at a time

    def complete(self, ask: Ask, how: dict[str, Any], version: int) -> Answer:
        body = how | {"prompt": list(ask.prompt_ids), "seed": ask.seed, "return_token_ids": True}
        try:
            choice = self.call("POST", "/v1/completions", body)["choices"][0]
            logprobs, finish, token_ids = choice["logprobs"]["token_logprobs"], choice["finish_reason"], choice["token_ids"]
        except (KeyError, IndexError, TypeError) as error:
            raise Lost(f"its answer has no {error}") from error
        if finish not in ("stop", "length") or len(token_ids) != len(logprobs):
            raise Lost(f"it ended a completion with {finish!r}, {len(token_ids)} tokens and {len(logprobs)} log-probs")
        return Answer(token_ids=tuple(token_ids), logprobs=tuple(logprobs), finish=finish, version=version)

    def weights(self) -> str:
        """The name of the weights that it has. A server that was restarted has lost it."""
        return str(self.call("GET", "/weight_info", seconds=QUICK).get("weight_version"))

    def update(self, path: str, name: str, temperature: float) -> None:
        """The four phases of an update, while nothing is sampled. If one fails the server stays paused: its weights are neither."""
        self.call("POST", "/init_weight_transfer_engine", {"init_info": {"temperature": temperature}})
        self.call("POST", "/pause?mode=wait")
        try:
            self.call("POST", "/start_weight_update")
        except Refused:  # a trainer that was killed left one open
            self.call("POST", "/finish_weight_update")
            self.call("POST", "/start_weight_update")
        self.call("POST", "/update_weights", {"update_info": {"path": path}})
        self.call("POST", "/finish_weight_update", {"weight_version": name})
        self.call("POST", "/reset_prefix_cache")  # keys and values of the old weights
        self.call("POST", "/resume")

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, *, seconds: float = 0.0) -> dict[str, Any]:
        """The answer's JSON. ValueError where the request itself is at fault: another server would say the same."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if body is not None else {}
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with _OPENER.open(request, timeout=seconds or self.seconds) as answer:
                return _object(answer.read())
        except urllib.error.HTTPError as error:
            raise self._refusal(path, error) from error
        except (OSError, HTTPException) as error:
            raise Lost(str(getattr(error, "reason", error)) or type(error).__name__) from error

    def _refusal(self, path: str, error: urllib.error.HTTPError) -> Exception:
        said = error.read().decode(errors="replace")[:400]
        if error.code in (404, 405) and not path.startswith("/v1/"):
            return Refused(f"it has no {path.partition('?')[0]}: start it with VLLM_SERVER_DEV_MODE=1, see docs/engines.md")
        if error.code in (400, 422) and path.startswith("/v1/"):
            return ValueError(f"vllm_server: {self.url} refuses the request: {said}")
        return Refused(f"{path.partition('?')[0]} answers {error.code}: {said}")


def _object(text: bytes) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except ValueError as error:
        raise Lost("its answer is no JSON") from error
    if not isinstance(found, dict):
        raise Lost("its answer is no JSON object")
    return found
