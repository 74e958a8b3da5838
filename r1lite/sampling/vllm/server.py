"""vLLM servers that the user started, over HTTP."""

from __future__ import annotations

import threading
import uuid
import weakref
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from torch import Tensor

from r1lite.config import SamplerConfig
from r1lite.console import say
from r1lite.models.adapters import is_adapter
from r1lite.sampling.ends import end_tokens
from r1lite.sampling.vllm import adapters
from r1lite.sampling.vllm.http import Lost, Server
from r1lite.sampling.vllm.requests import Ask, Completed, asks_of, in_turn, settings, whole_requests
from r1lite.sampling.vllm.transfer import make_transfer
from r1lite.sampling.vllm.weights import base, whole
from r1lite.store.files import remove
from r1lite.types import Completion, Request

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

NOT_NOW = "it waits for the next weights, since sampler.transfer sends these only while they are not trained"
TRIES = 3  # of one request with each server
GO_ON = "Start them as docs/how/engines.md says and run the same command again: it goes on from the last checkpoint."


class VllmServerEngine:
    """Asks every server that has the newest weights. One that fails is left out until it has taken them over again."""

    dtype = None  # servers do not say what they compute in

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, cfg: SamplerConfig) -> None:
        self.model, self.cfg = model, cfg
        self.ends = end_tokens(model, tokenizer)
        self.servers = [Server(url.rstrip("/"), cfg.seconds) for url in cfg.urls]
        self.temporary = None if cfg.sync_folder else TemporaryDirectory(prefix="r1lite-weights-")
        self.folder = Path(self.temporary.name if self.temporary else cfg.sync_folder).expanduser().resolve()
        self.transfer = make_transfer(cfg, self.folder)
        self.rank = adapters.rank_to_send(model, cfg)  # 0 sends all weights, adapters merged
        self.name = uuid.uuid4().hex[:12]  # servers may have weights of another trainer, under the same number
        self.given: dict[str, Tensor] = {}
        self.version = self.bases = 0
        self.reviving, self.writing = threading.Lock(), threading.Lock()
        weakref.finalize(self, _remove_all, self.folder, f"{self.name}-*")  # a run makes a sampler for every stage and evaluation

    def load(self, weights: Iterable[tuple[str, Tensor]]) -> None:
        """Give the servers new weights. Those that are not given (frozen ones, say) are the model's own."""
        before, self.given = self.given, dict(weights)
        self.version += 1
        if self.rank:
            self.bases += adapters.base_moves(self.model, before, self.given)
            # A copy of what is small: a server that comes back later gets it while the trainer goes on.
            self.given = {name: tensor.detach().clone() if is_adapter(name) else tensor for name, tensor in self.given.items()}
        self._bring_up(at_rest=True)
        for path in self.folder.glob(f"{self.name}-*"):
            if path.stem not in (self._weights, self._base):
                remove(path)

    def complete(self, requests: Sequence[Request], *, greedy: bool = False) -> Iterator[Completed]:
        """Each request's place and its completions, as soon as the last of them has finished."""
        self._bring_up()
        shared = settings(self.cfg, self.ends, greedy=greedy)
        yield from whole_requests(in_turn(lambda ask: self._complete(ask, shared), asks_of(requests), at_once=self.cfg.max_rows))

    def _complete(self, ask: Ask, shared: dict[str, Any]) -> Completion:
        """From whichever server can give it. Its weights are looked at afterwards: one that was restarted has lost their name."""
        why = ""
        for _ in range(TRIES * len(self.servers)):
            server = self._server(ask.place)
            try:
                completion = server.complete(ask, shared, self.version, self._weights if self._adapts(server) else "")
                if server.weights() == self._weights:
                    return completion
                why = "it was restarted, or given other weights"
            except Lost as error:
                why = str(error)
            self._leave_out(server, why)
        raise ValueError(f"vllm_server: no server completes a request, though they take weights. The last said: {why}. {GO_ON}")

    def _server(self, place: int) -> Server:
        """A request stays with one server, which then reads its prompt once."""
        asked = [server for server in self.servers if not server.why_not]
        if not asked:
            with self.reviving:
                if all(server.why_not for server in self.servers):
                    self._bring_up()
            asked = [server for server in self.servers if not server.why_not]
        return asked[place % len(asked)] if asked else self._server(place)

    def _bring_up(self, *, at_rest: bool = False) -> None:
        """Give the newest weights to every server that answers and lacks them. `at_rest`: nobody trains meanwhile."""
        at_rest = at_rest or self.transfer.keeps_weights or self.version == 0 or self.rank > 0
        with ThreadPoolExecutor(max_workers=len(self.servers)) as pool:
            list(pool.map(lambda server: self._update(server, at_rest), self.servers))
        if all(server.why_not for server in self.servers):
            reasons = "\n".join(f"  {server.url}: {server.why_not}" for server in self.servers)
            raise ValueError(f"no vLLM server can be used:\n{reasons}\n{GO_ON}")

    def _update(self, server: Server, at_rest: bool) -> None:
        with server.lock:
            try:
                held = server.weights()
                if held != self._weights or (self._adapts(server) and server.adapters != held):
                    if not at_rest:
                        raise Lost(NOT_NOW)
                    self._give(server, held)
                server.why_not = ""
            except Lost as error:
                self._leave_out(server, str(error))

    def _give(self, server: Server, held: str) -> None:
        if not held.startswith(f"{self.name}-"):  # it was restarted, or has served somebody else
            server.base = ""
            self.transfer.forget(server)
        if self._adapts(server):
            self._give_adapters(server)
        if not self._adapts(server):
            self.transfer.send(server, self._weights, lambda: whole(self.model, self.given))

    def _adapts(self, server: Server) -> bool:
        return bool(self.rank) and server.takes_adapters

    def _give_adapters(self, server: Server) -> None:
        """Behind the weights under them, where the server lacks those."""
        if server.base != self._base:
            self.transfer.send(server, self._base, lambda: base(self.model, self.given))
            server.base = self._base
        try:
            server.adapt(self._weights, str(self._adapters()))
        except adapters.NotTaken as error:
            start = f"VLLM_ALLOW_RUNTIME_LORA_UPDATING=True and --enable-lora --max-lora-rank {self.rank}"
            say(f"vllm_server: {server.url} does not take these adapters ({error}). Started with {start} it may. {adapters.MERGED}")
            server.takes_adapters = False

    def _adapters(self) -> Path:
        folder = self.folder / self._weights
        with self.writing:
            if not folder.exists():
                adapters.write(folder, self.model, self.given)
        return folder

    def _leave_out(self, server: Server, why: str) -> None:
        if not server.why_not:
            say(f"vllm_server: {server.url} is left out until it can be given weights again: {why}")
        server.why_not = why

    @property
    def _weights(self) -> str:
        """The name under which servers know the newest weights, or adapters."""
        return f"{self.name}-{self.version}"

    @property
    def _base(self) -> str:
        """And that of the weights under adapters, until adapters are there."""
        return f"{self.name}-base-{self.bases}"


def _remove_all(folder: Path, pattern: str) -> None:
    for path in folder.glob(pattern):
        remove(path)
