"""The engine that uses vLLM servers over HTTP."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from torch import Tensor

from r1lite.config import SamplerConfig
from r1lite.sampling.ends import end_tokens
from r1lite.sampling.vllm.balance import Balance
from r1lite.sampling.vllm.client import Server
from r1lite.sampling.vllm.connection import ServerError
from r1lite.sampling.vllm.fleet import RESUME, Fleet
from r1lite.sampling.vllm.requests import Completed, Job, Settings, gather, jobs_of, run_jobs, shared_settings
from r1lite.types import Completion, Request

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

TRIES = 3  # of one request, per server
OTHER_WEIGHTS = "it was restarted, or has received other weights"


class VllmServerEngine:
    """Completes prompts on every server that has the newest weights."""

    dtype = None  # servers do not report their dtype

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, cfg: SamplerConfig) -> None:
        self.cfg, self.ends = cfg, end_tokens(model, tokenizer)
        self.fleet, self.balance = Fleet(model, cfg), Balance()

    def load(self, weights: Iterable[tuple[str, Tensor]]) -> None:
        self.fleet.load(weights)

    def complete(self, requests: Sequence[Request], *, greedy: bool = False) -> Iterator[Completed]:
        """The index of each request and its completions, as soon as the last of them has finished."""
        self.fleet.follow(self.fleet.update_servers)
        shared = shared_settings(self.cfg, self.ends, greedy=greedy)

        def complete(job: Job) -> Completion:
            return self._on_any(lambda server: self._with_newest(server, job, shared), lambda: nullcontext(self._server(job)))

        yield from gather(run_jobs(complete, jobs_of(requests), concurrency=self.cfg.max_rows))

    def complete_one(self, request: Request, request_index: int, index: int) -> Completion:
        """One completion of a request, which may span updates. Thread-safe; for the leader alone."""
        job = Job(request=request, request_index=request_index, index=index)
        balanced = lambda: self.balance.server_for(request_index, self.fleet.usable)  # noqa: E731
        return self._on_any(lambda server: self.complete_on(server, job), balanced)

    def complete_on(self, server: Server, job: Job) -> Completion:
        """A completion from this server, with the versions of the weights that sampled it."""
        completion, spans = server.generate(job, shared_settings(self.cfg, self.ends, greedy=False), server.serving)
        if any(not name.startswith(f"{self.fleet.newest.run}-") for name, _ in spans):
            raise ServerError(OTHER_WEIGHTS)
        versions = [(int(name.rpartition("-")[2]), tokens) for name, tokens in spans]
        return replace(completion, version=versions[0][0], versions=tuple(versions) if len(versions) > 1 else ())

    def abort(self) -> None:
        """End the completions in progress, which are not wanted any more."""
        self.fleet.aborted = True
        for server in self.fleet.in_use():
            with suppress(ServerError):
                server.post("/abort_requests", {})

    def metrics(self) -> dict[str, float]:
        """The share of the time since the last call in which the servers had nothing to do."""
        return {"sampler/idle_share": statistics.fmean(server.idle.share() for server in self.fleet.servers)}

    def _on_any(self, complete: Callable[[Server], Completion], choose: Callable[[], AbstractContextManager[Server]]) -> Completion:
        """A completion from whichever server gives one; those that fail are left out."""
        why = ""
        for _ in range(TRIES * len(self.fleet.servers)):
            with choose() as server:
                try:
                    completion = complete(server)
                    self.fleet.worked = True
                    return completion
                except ServerError as error:
                    if self.fleet.aborted:
                        raise
                    why = str(error)
            self.fleet.leave_out(server, why)
        raise ValueError(f"vllm_server: no server completes a request, although they accept weights. The last error: {why}. {RESUME}")

    def _with_newest(self, server: Server, job: Job, shared: Settings) -> Completion:
        """A completion of the newest weights. They are checked afterwards: a restart would have lost them."""
        fleet = self.fleet
        completion = server.complete(job, shared, fleet.newest.version, fleet.newest.name if fleet.sends_adapters(server) else "")
        if server.weight_version() != fleet.newest.name:
            raise ServerError(OTHER_WEIGHTS)
        return completion

    def _server(self, job: Job) -> Server:
        """The server for a request. All its completions go to the same one, which then computes the prompt once."""
        usable = self.fleet.usable()
        return usable[job.request_index % len(usable)]
