"""One vLLM server over HTTP: what the sampler asks of it, and the two ways in which that fails."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

from r1lite.sampling.vllm.adapters import NotTaken
from r1lite.sampling.vllm.requests import Ask, settings_of
from r1lite.types import Completion

QUICK = 10.0  # seconds, for questions that a server answers at once
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # servers are private: no proxy stands between


class Lost(Exception):
    """The server does not answer, or not as a server in order would."""


class Refused(Lost):
    """It answered that it will not do this."""


class Unknown(Refused):
    """It has no weights or adapters of that name."""


@dataclass(eq=False, slots=True)
class Server:
    """Where it is, and why it may not be asked at the moment (empty: it may)."""

    url: str
    seconds: float  # deadline of one call
    why_not: str = "it has not been given weights"
    lock: threading.Lock = field(default_factory=threading.Lock)  # one update at a time
    adapters: str = ""  # the name of those that it has
    base: str = ""  # the name of the weights that lie under them
    takes_adapters: bool = True

    def complete(self, ask: Ask, shared: dict[str, Any], version: int, adapters: str) -> Completion:
        """With the adapters of this name, or with the weights as they are. Whoever asks must say: it may be given others meanwhile."""
        body = settings_of(ask, shared) | {"prompt": list(ask.request.prompt_ids), "return_token_ids": True}
        body |= {"model": adapters} if adapters else {}
        try:
            choice = self.call("/v1/completions", body)["choices"][0]
            logprobs, finish, token_ids = choice["logprobs"]["token_logprobs"], choice["finish_reason"], choice["token_ids"]
        except Unknown:
            self.adapters = ""
            raise
        except (KeyError, IndexError, TypeError) as error:
            raise Lost(f"its answer has no {error}") from error
        if finish not in ("stop", "length") or len(token_ids) != len(logprobs):
            raise Lost(f"it ended a completion with {finish!r}, {len(token_ids)} tokens and {len(logprobs)} log-probs")
        return Completion(token_ids=tuple(token_ids), logprobs=tuple(logprobs), finish=finish, version=version)

    def weights(self) -> str:
        """The name of the weights that it has. A server that was restarted has lost it."""
        return str(self.call("/weight_info", seconds=QUICK).get("weight_version"))

    def prepare(self, about: dict[str, Any]) -> None:
        """What its side of a transfer has to know beforehand."""
        self.tell("/init_weight_transfer_engine", {"init_info": about})

    def begin(self) -> None:
        """Wait for what is being sampled, and open an update. Until it is finished the server stays paused: its weights are neither."""
        self._pause(self.adapters)
        try:
            self.tell("/start_weight_update")
        except Refused:  # a trainer that was killed left one open
            self.tell("/finish_weight_update")
            self.tell("/start_weight_update")

    def receive(self, what: dict[str, Any]) -> None:
        self.tell("/update_weights", {"update_info": what})

    def finish(self, name: str) -> None:
        self.tell("/finish_weight_update", {"weight_version": name})
        self._resume()

    def adapt(self, name: str, folder: str) -> None:
        """New adapters over the same weights. A server that is restarted has never heard of them, and refuses requests that name them."""
        self._pause(self.adapters or name)
        try:
            self.tell("/v1/load_lora_adapter", {"lora_name": name, "lora_path": folder})
        except Refused as error:
            raise NotTaken(str(error)) from error
        self.tell("/update_weight_version", {"new_version": name})
        self._resume()
        self.adapters = name

    def _pause(self, adapters: str) -> None:
        """And let go of these adapters."""
        self.tell("/pause?mode=wait")
        self.adapters = ""
        if adapters:
            with suppress(Refused):  # it has none of that name
                self.tell("/v1/unload_lora_adapter", {"lora_name": adapters})

    def _resume(self) -> None:
        self.tell("/reset_prefix_cache")  # keys and values of the old weights
        self.tell("/resume")

    def call(self, path: str, body: dict[str, Any] | None = None, *, seconds: float = 0.0) -> dict[str, Any]:
        """The answer's JSON, to a question if there is a body."""
        return _object(self._asked("POST" if body is not None else "GET", path, body, seconds))

    def tell(self, path: str, body: dict[str, Any] | None = None) -> None:
        """What it says to it does not matter, as long as it agrees."""
        self._asked("POST", path, body, 0.0)

    def _asked(self, method: str, path: str, body: dict[str, Any] | None, seconds: float) -> bytes:
        """ValueError where a request for a completion is itself at fault: another server would say the same."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if body is not None else {}
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with _OPENER.open(request, timeout=seconds or self.seconds) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise self._refusal(path, error) from error
        except (OSError, HTTPException) as error:
            raise Lost(str(getattr(error, "reason", error)) or type(error).__name__) from error

    def _refusal(self, path: str, error: urllib.error.HTTPError) -> Exception:
        said = error.read().decode(errors="replace")[:400]
        if error.code in (404, 405) and not path.startswith("/v1/"):
            return Refused(f"it has no {path.partition('?')[0]}: start it with VLLM_SERVER_DEV_MODE=1, see docs/how/engines.md")
        if error.code in (400, 422) and path == "/v1/completions":
            return ValueError(f"vllm_server: {self.url} refuses the request: {said}")
        kind = Unknown if error.code == 404 and path == "/v1/completions" else Refused
        return kind(f"{path.partition('?')[0]} answers {error.code}: {said}")


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
