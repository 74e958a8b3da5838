"""Client of one vLLM server."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from r1lite.sampling.vllm.adapters import AdaptersRejected
from r1lite.sampling.vllm.connection import COMPLETIONS, GENERATE, Connection, Json, RequestRefused, ServerError, UnknownModel
from r1lite.sampling.vllm.idle import Idle
from r1lite.sampling.vllm.requests import Job, Settings, job_settings
from r1lite.types import Completion

RELEASES = ("0.32", "0.33")  # of vLLM, whose interface for weights changes with every release
NEW = "it has no weights yet"
QUICK_SECONDS = 10.0  # deadline of questions that a server answers at once


@dataclass(eq=False, slots=True)
class Server(Connection):
    """A server, what it has loaded, and why it is not used at the moment."""

    unused_because: str = NEW  # empty if it is used
    adapters: str = ""  # name of the adapters that it has loaded
    base: str = ""  # name of the weights under them
    takes_adapters: bool = True
    serving: str = ""  # name of the weights that were sent last
    continues: bool = False  # running completions go on with new weights; otherwise an update waits for their end
    idle: Idle = field(default_factory=Idle)

    def complete(self, job: Job, shared: Settings, version: int, adapters: str) -> Completion:
        """One completion with the adapters of this name; empty for the weights alone. The name is an argument, since another
        thread may load others meanwhile."""
        body = job_settings(job, shared) | {"prompt": list(job.request.prompt_ids), "return_token_ids": True}
        body |= {"model": adapters} if adapters else {}
        try:
            with self.idle.busy():
                choice = self.fetch_json(COMPLETIONS, body)["choices"][0]
            logprobs, finish, token_ids = choice["logprobs"]["token_logprobs"], choice["finish_reason"], choice["token_ids"]
        except UnknownModel:
            self.adapters = ""
            raise
        except (KeyError, IndexError, TypeError) as error:
            raise ServerError(f"its answer is no completion ({type(error).__name__}: {error})") from error
        return _completion(token_ids, logprobs, finish, version)

    def generate(self, job: Job, shared: Settings, weights: str) -> tuple[Completion, list[tuple[str, int]]]:
        """One completion, and the names of the weights that sampled it, each with its number of tokens.

        What is cached of prompts is used only among requests with the same `weights`, since it was computed with them.
        """
        body = {"token_ids": list(job.request.prompt_ids), "sampling_params": job_settings(job, shared), "cache_salt": weights}
        try:
            with self.idle.busy():
                choice = self.fetch_json(GENERATE, body)["choices"][0]
            token_ids, finish = choice["token_ids"], choice["finish_reason"]
            logprobs = [token["logprob"] for token in choice["logprobs"]["content"]]
            spans = [(str(span["version"]), span["end"] - span["start"]) for span in choice["weight_versions"]]
        except (KeyError, IndexError, TypeError) as error:
            raise ServerError(f"its answer is no completion ({type(error).__name__}: {error})") from error
        if sum(count for _, count in spans) != len(token_ids):
            raise ServerError(f"it says which weights sampled {sum(count for _, count in spans)} of {len(token_ids)} tokens")
        return _completion(token_ids, logprobs, finish), spans

    def weight_version(self) -> str:
        """The name of the loaded weights. A server that was restarted does not have it any more."""
        return str(self.fetch_json("/weight_info", seconds=QUICK_SECONDS).get("weight_version"))

    def refuse_other_release(self) -> None:
        """ServerError if it runs a release of vLLM that r1lite does not know."""
        version = str(self.fetch_json("/version", seconds=QUICK_SECONDS).get("version", ""))
        if version and ".".join(version.split(".")[:2]) not in RELEASES:
            raise ServerError(f"it runs vLLM {version}, and r1lite works with {' and '.join(RELEASES)}")

    def init_transfer(self, info: Json) -> None:
        """Send what the server must know before a transfer."""
        self.post("/init_weight_transfer_engine", {"init_info": info})

    def start_update(self) -> None:
        """Pause, and open an update. The server stays paused until `finish_update`."""
        self._pause(self.adapters)
        try:
            self.post("/start_weight_update")
        except RequestRefused:  # a trainer that was killed has left an update open
            self.post("/finish_weight_update")
            self.post("/start_weight_update")

    def update(self, info: Json) -> None:
        try:
            self.post("/update_weights", {"update_info": info})
        except RequestRefused as error:
            raise RequestRefused(
                f"it serves {self._model()}, and cannot load this run's weights. If that is another model, start the "
                f"server with the run's own. Its log says more ({error})"
            ) from error

    def _model(self) -> str:
        """The name or the folder of the model that it was started with."""
        try:
            return str(self.fetch_json("/v1/models", seconds=QUICK_SECONDS)["data"][0]["root"])
        except (ServerError, LookupError, TypeError):
            return "a model that it does not name"

    def finish_update(self, name: str) -> None:
        """Close the update, name the new weights, and resume."""
        self.post("/finish_weight_update", {"weight_version": name})
        self.resume(name)

    def resume(self, name: str) -> None:
        """Go on with weights of this name, also if the end of their update was cut off before the server could."""
        self.serving = name
        self._resume()

    def load_adapters(self, name: str, folder: str) -> None:
        """Load new adapters over the same weights. A server that is restarted loses them, and then refuses requests that name them."""
        self._pause(self.adapters or name)
        try:
            self.post("/v1/load_lora_adapter", {"lora_name": name, "lora_path": folder})
        except RequestRefused as error:
            raise AdaptersRejected(str(error)) from error
        self.post("/update_weight_version", {"new_version": name})
        self._resume()
        self.adapters = name

    def _pause(self, adapters: str) -> None:
        """Pause the server, and unload these adapters. Running completions finish first, or are kept for later."""
        self.post(f"/pause?mode={'keep' if self.continues else 'wait'}")
        self.adapters = ""
        if adapters:
            with suppress(RequestRefused):  # it has none of this name
                self.post("/v1/unload_lora_adapter", {"lora_name": adapters})

    def _resume(self) -> None:
        if not self.continues:  # otherwise names of weights keep apart what is cached, and running completions still need theirs
            self.post("/reset_prefix_cache")  # keys and values of the old weights
        self.post("/resume")


def _completion(token_ids: Sequence[int], logprobs: Sequence[float], finish: Any, version: int = 0) -> Completion:
    if finish not in ("stop", "length") or len(token_ids) != len(logprobs):
        raise ServerError(f"it ended a completion with {finish!r}, {len(token_ids)} tokens and {len(logprobs)} log-probs")
    return Completion(token_ids=tuple(token_ids), logprobs=tuple(logprobs), finish=finish, version=version)
