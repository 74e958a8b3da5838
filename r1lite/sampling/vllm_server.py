"""Sampling with vLLM servers that the user started: over HTTP, with weights handed over as a file that both sides see."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from torch import Tensor

from r1lite.config import SamplerConfig
from r1lite.console import say
from r1lite.files import atomic, remove
from r1lite.prompt import Prompter
from r1lite.sampling.asking import Answer, Ask, Asking, settings
from r1lite.sampling.native import end_tokens
from r1lite.sampling.vllm_http import Lost, Server
from r1lite.sampling.weights import whole
from r1lite.types import Group, Problem

if TYPE_CHECKING:
    from transformers import PreTrainedModel

TRIES = 3  # of one request with each server
GO_ON = "Start them as docs/engines.md says and run the same command again: it goes on from the last checkpoint."


class VllmServerSampler:
    """Asks every server that has the newest weights. One that fails is left out until it has taken them over again."""

    def __init__(self, model: PreTrainedModel, prompter: Prompter, cfg: SamplerConfig) -> None:
        self.model, self.prompter, self.cfg = model, prompter, cfg
        self.ends = end_tokens(model, prompter)
        self.servers = [Server(url.rstrip("/"), cfg.seconds) for url in cfg.urls]
        self.temporary = None if cfg.sync_folder else TemporaryDirectory(prefix="r1lite-weights-")
        self.folder = Path(self.temporary.name if self.temporary else cfg.sync_folder).expanduser().resolve()
        self.name = uuid.uuid4().hex[:12]  # servers may have weights of another trainer, under the same number
        self.given: dict[str, Tensor] = {}
        self.version = 0
        self.file: Path | None = None  # the newest weights
        self.reviving = threading.Lock()

    def load(self, weights: Iterable[tuple[str, Tensor]]) -> None:
        """Give the servers new weights. Those that are not given (frozen ones, say) are the model's own."""
        self.given = dict(weights)
        self.version += 1
        self._write()
        self._bring_up()

    def sample(self, problems: Sequence[Problem], *, n: int, seed: str, greedy: bool = False) -> Iterator[Group]:
        """Groups of n rollouts, each yielded as soon as its last row has finished."""
        if self.file is None:
            self._write()
        self._bring_up()
        asking = Asking(problems, self.prompter, self.ends, n=n, seed=seed)
        how = settings(self.cfg, self.ends, greedy=greedy)
        for ask, answer in in_turn(lambda ask: self._answer(ask, how), asking.asks, at_once=self.cfg.max_rows):
            group = asking.take(ask, answer)
            if group is not None:
                yield group

    def _answer(self, ask: Ask, how: dict[str, Any]) -> Answer:
        """From whichever server can give it. Its weights are looked at afterwards: one that was restarted has lost their name."""
        why = ""
        for _ in range(TRIES * len(self.servers)):
            server = self._server(ask.group)
            try:
                answer = server.complete(ask, how, self.version)
                if server.weights() == self._weights:
                    return answer
                why = "it was restarted, or given other weights"
            except Lost as error:
                why = str(error)
            self._leave_out(server, why)
        raise ValueError(f"vllm_server: no server completes a request, though they take weights. The last said: {why}. {GO_ON}")

    def _server(self, group: int) -> Server:
        """A group stays with one server, which then reads its prompt once."""
        asked = [server for server in self.servers if not server.why_not]
        if not asked:
            with self.reviving:
                if all(server.why_not for server in self.servers):
                    self._bring_up()
            asked = [server for server in self.servers if not server.why_not]
        return asked[group % len(asked)] if asked else self._server(group)

    def _bring_up(self) -> None:
        """Give the newest weights to every server that answers and lacks them."""
        with ThreadPoolExecutor(max_workers=len(self.servers)) as pool:
            list(pool.map(self._update, self.servers))
        if all(server.why_not for server in self.servers):
            reasons = "\n".join(f"  {server.url}: {server.why_not}" for server in self.servers)
            raise ValueError(f"no vLLM server can be used:\n{reasons}\n{GO_ON}")

    def _update(self, server: Server) -> None:
        with server.lock:
            try:
                if server.weights() != self._weights:
                    server.update(str(self.file), self._weights, self.cfg.temperature)
                server.why_not = ""
            except Lost as error:
                self._leave_out(server, str(error))

    def _leave_out(self, server: Server, why: str) -> None:
        if not server.why_not:
            say(f"vllm_server: {server.url} is left out until it can be given weights again: {why}")
        server.why_not = why

    @property
    def _weights(self) -> str:
        """The name under which servers know the newest weights."""
        return f"{self.name}-{self.version}"

    def _write(self) -> None:
        from safetensors.torch import save_file

        old, self.file = self.file, self.folder / f"{self._weights}.safetensors"
        tensors = {name: tensor.cpu().contiguous() for name, tensor in whole(self.model, self.given).items()}
        with atomic(self.file) as part:
            save_file(tensors, part)
        if old is not None:
            remove(old)


def in_turn(answer: Callable[[Ask], Answer], asks: Sequence[Ask], *, at_once: int) -> Iterator[tuple[Ask, Answer]]:
    """Answers as they come. After an error nothing new is begun, and it is raised when all that was under way has been given."""
    failed: BaseException | None = None
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        asked = {pool.submit(answer, ask): ask for ask in asks}
        pending = set(asked)
        try:
            while pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for one in done:
                    if one.exception() is None:
                        yield asked[one], one.result()
                    failed = failed or one.exception()
                if failed:
                    pending = {one for one in pending if not one.cancel()}
        finally:  # whoever asked may have stopped listening
            for one in pending:
                one.cancel()
    if failed:
        raise failed
