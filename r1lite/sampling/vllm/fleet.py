"""The vLLM servers of a run, which the user has started: which of them have the newest weights, and how the others get them."""

from __future__ import annotations

import threading
import time
import uuid
import weakref
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from torch import Tensor

from r1lite.config import SamplerConfig
from r1lite.console import say
from r1lite.models.adapters import is_adapter
from r1lite.parallel import exchange, world
from r1lite.sampling.vllm import adapters
from r1lite.sampling.vllm.client import NEW, Server
from r1lite.sampling.vllm.connection import ServerError
from r1lite.sampling.vllm.transfer import make_transfer
from r1lite.sampling.vllm.weights import all_weights, base_weights
from r1lite.store.files import remove

if TYPE_CHECKING:
    from transformers import PreTrainedModel

AT_NEXT_SYNC = "it waits for the next sync, since sampler.transfer cannot send weights while they are being trained"
RECONNECT_PAUSE = 1.0  # seconds between attempts to reach a server when none is left
RESUME = "Start them as docs/how/samplers.md says, then run the same command again: it resumes from the last checkpoint."


class Fleet:
    """Sends weights to all servers. One that fails is left out until it has received them again."""

    def __init__(self, model: PreTrainedModel, cfg: SamplerConfig) -> None:
        self.model, self.cfg = model, cfg
        self.servers = [Server(url, cfg.seconds) for url in addresses(cfg)]
        self.temporary = None if cfg.sync_folder else TemporaryDirectory(prefix="r1lite-weights-")
        self.folder = Path(self.temporary.name if self.temporary else cfg.sync_folder).expanduser().resolve()
        self.transfer = make_transfer(cfg, self.folder)
        self.rank = adapters.rank_to_send(model, cfg)  # 0 sends all weights, with adapters merged
        # Part of all names, since servers may have weights of another trainer. All ranks use the same servers.
        self.name = exchange.on_leader(lambda: uuid.uuid4().hex[:12])
        self.loaded: dict[str, Tensor] = {}
        self.version = self.base_version = 0
        self.aborted = self.worked = False  # whether what is running is not wanted any more; whether a server has completed anything
        self.reviving, self.writing = threading.Lock(), threading.Lock()
        weakref.finalize(self, _remove_all, self.folder, f"{self.name}-*")  # a run makes a sampler for every stage and evaluation

    def load(self, weights: Iterable[tuple[str, Tensor]]) -> None:
        """Send new weights to the servers. Weights that are not among them, such as frozen ones, are the model's own.

        The leader sends them. The other ranks only go through them, since each part may have to be gathered.
        """
        before, self.loaded = self.loaded, {name: tensor for name, tensor in weights if world.is_leader()}
        self.version += 1
        self.follow(lambda: self._send_new(before))

    def follow(self, update: Callable[[], None]) -> None:
        """Let the leader update the servers, and see them as it does."""

        def updated() -> list[tuple[str, str, str, bool]]:
            update()
            return [(server.url, server.unused_because, server.adapters, server.takes_adapters) for server in self.servers]

        for server, seen in zip(self.servers, exchange.on_leader(updated), strict=True):
            server.url, server.unused_because, server.adapters, server.takes_adapters = seen

    def _send_new(self, before: dict[str, Tensor]) -> None:
        if self.rank:
            self.base_version += adapters.base_changed(self.model, before, self.loaded)
            # Copy the adapters, which are small: a server that returns later can get them while training continues.
            self.loaded = {name: tensor.detach().clone() if is_adapter(name) else tensor for name, tensor in self.loaded.items()}
        self.update_servers(training=False)
        for path in self.folder.glob(f"{self.name}-*"):
            if path.stem not in (self.weights_name, self._base_name):
                remove(path)

    def continue_through_updates(self) -> None:
        """From now on, running completions are continued with new weights, instead of being finished before an update.

        Adapters are merged: they could not be replaced under a completion.
        """
        self.rank = 0
        for server in self.servers:
            server.continues = True

    def in_use(self) -> list[Server]:
        return [server for server in self.servers if not server.unused_because]

    def usable(self) -> list[Server]:
        """The servers with the newest weights. If none has them, they are sent again."""
        while not (usable := self.in_use()):
            with self.reviving:
                if not self.in_use():
                    self.update_servers()
        return usable

    def update_servers(self, *, training: bool = True) -> None:
        """Send the newest weights to every server that answers and lacks them; if none answers any more, wait for one.

        `training`: the weights may change meanwhile.
        """
        can_send = world.is_leader() and (not training or self.transfer.works_while_training or self.version == 0 or self.rank > 0)
        # A server that comes back would need weights, which may be impossible to send now.
        deadline = time.monotonic() + (self.cfg.reconnect_seconds if self.worked and can_send else 0.0)
        while not self._reached(can_send):
            if time.monotonic() >= deadline or self.aborted:
                reasons = "\n".join(f"  {server.url}: {server.unused_because}" for server in self.servers)
                raise ValueError(f"no vLLM server can be used:\n{reasons}\n{RESUME}")
            time.sleep(RECONNECT_PAUSE)

    def _reached(self, can_send: bool) -> bool:
        """Whether at least one server can be used, after each has been sent the newest weights if it lacks them."""
        self._follow_addresses()
        with ThreadPoolExecutor(max_workers=len(self.servers)) as pool:
            for future in [pool.submit(copy_context().run, self._update, server, can_send) for server in self.servers]:
                future.result()
        return any(not server.unused_because for server in self.servers)

    def _follow_addresses(self) -> None:
        """A server that was started again may be at another address."""
        urls = addresses(self.cfg)
        if len(urls) != len(self.servers):
            raise ValueError(
                f"sampler.urls_from={self.cfg.urls_from} has {len(urls)} addresses now; the run began with {len(self.servers)}"
            )
        for server, url in zip(self.servers, urls, strict=True):
            if server.url != url:
                say(f"vllm_server: {server.url} is at {url} now")
                server.url, server.unused_because = url, NEW

    def _update(self, server: Server, can_send: bool) -> None:
        with server.lock:
            try:
                current = server.weight_version()
                if current != self.weights_name or (self.sends_adapters(server) and server.adapters != current):
                    if not can_send:
                        raise ServerError(AT_NEXT_SYNC)
                    self._send(server, current)
                elif server.unused_because:  # the connection may have broken at the end of the update
                    server.resume(current)
                if server.unused_because not in ("", NEW):
                    say(f"vllm_server: {server.url} has the newest weights and is used again")
                server.unused_because = ""
            except ServerError as error:
                self.leave_out(server, str(error))

    def _send(self, server: Server, current: str) -> None:
        if not current.startswith(f"{self.name}-"):  # it was restarted, or has served another trainer
            server.refuse_other_release()
            server.base = ""
            self.transfer.forget(server)
        if self.sends_adapters(server):
            self._send_adapters(server)
        if not self.sends_adapters(server):
            self.transfer.send(server, self.weights_name, lambda: all_weights(self.model, self.loaded))

    def sends_adapters(self, server: Server) -> bool:
        return bool(self.rank) and server.takes_adapters

    def _send_adapters(self, server: Server) -> None:
        """Send the adapters, after the weights under them if the server lacks those."""
        if server.base != self._base_name:
            self.transfer.send(server, self._base_name, lambda: base_weights(self.model, self.loaded))
            server.base = self._base_name
        try:
            server.load_adapters(self.weights_name, str(self._adapters_folder()))
        except adapters.AdaptersRejected as error:
            start = f"VLLM_ALLOW_RUNTIME_LORA_UPDATING=True and --enable-lora --max-lora-rank {self.rank}"
            say(f"vllm_server: {server.url} does not accept these adapters ({error}). It may if started with {start}. {adapters.MERGED}")
            server.takes_adapters = False

    def _adapters_folder(self) -> Path:
        folder = self.folder / self.weights_name
        with self.writing:
            if not folder.exists():
                adapters.write(folder, self.model, self.loaded)
        return folder

    def leave_out(self, server: Server, why: str) -> None:
        if not server.unused_because:
            say(f"vllm_server: {server.url} is left out until it has received weights again: {why}")
        server.unused_because = why

    @property
    def weights_name(self) -> str:
        """The servers' name for the newest weights or adapters."""
        return f"{self.name}-{self.version}"

    @property
    def _base_name(self) -> str:
        """The servers' name for the newest weights under adapters, while no adapters are loaded."""
        return f"{self.name}-base-{self.base_version}"


def addresses(cfg: SamplerConfig) -> list[str]:
    """The servers' addresses: from the settings, or from the file that they name."""
    if not cfg.urls_from:
        return [url.rstrip("/") for url in cfg.urls]
    try:
        lines = Path(cfg.urls_from).expanduser().read_text(encoding="utf-8").split()
    except OSError as error:
        raise ValueError(f"sampler.urls_from={cfg.urls_from} cannot be read: {error.strerror}") from error
    if not lines:
        raise ValueError(f"sampler.urls_from={cfg.urls_from} has no addresses")
    return [url.rstrip("/") for url in lines]


def _remove_all(folder: Path, pattern: str) -> None:
    for path in folder.glob(pattern):
        remove(path)
