"""The vLLM servers of a run, which the user has started: which of them have the newest weights, and how the others get them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from r1lite.config import SamplerConfig
from r1lite.console import say
from r1lite.parallel import exchange, world
from r1lite.sampling.vllm import adapters
from r1lite.sampling.vllm.client import NEW, Server
from r1lite.sampling.vllm.connection import ServerError
from r1lite.sampling.vllm.newest import Newest
from r1lite.sampling.vllm.transfer import make_transfer, on_each

if TYPE_CHECKING:
    from transformers import PreTrainedModel

AT_NEXT_SYNC = "it waits for the next sync, since sampler.transfer cannot send weights while they are being trained"
RECONNECT_PAUSE = 1.0  # seconds between attempts to reach a server when none is left
RESUME = "Start them as docs/how/samplers.md says, then run the same command again: it resumes from the last checkpoint."


class Fleet:
    """Sends weights to all servers. One that fails is left out until it has received them again."""

    def __init__(self, model: PreTrainedModel, cfg: SamplerConfig) -> None:
        self.cfg, self.newest = cfg, Newest(model, cfg)
        self.servers = [Server(url, cfg.seconds) for url in addresses(cfg)]
        self.transfer = make_transfer(cfg, self.newest.folder)
        self.aborted = self.worked = False  # whether what is running is not wanted any more; whether a server has completed anything
        self.updating = threading.RLock()

    def load(self, weights: Iterable[tuple[str, Tensor]]) -> None:
        """Send new weights to the servers. The leader sends them."""
        before = self.newest.load(weights)
        self.follow(lambda: self._send_new(before))

    def follow(self, update: Callable[[], None]) -> None:
        """Let the leader update the servers, and see them as it does."""

        def updated() -> list[tuple[str, str, str, bool]]:
            update()
            return [(server.url, server.unused_because, server.adapters, server.takes_adapters) for server in self.servers]

        for server, seen in zip(self.servers, exchange.on_leader(updated), strict=True):
            server.url, server.unused_because, server.adapters, server.takes_adapters = seen

    def _send_new(self, before: dict[str, Tensor]) -> None:
        self.newest.prepare(before)
        self.update_servers(training=False)
        self.newest.remove_older()

    def continue_through_updates(self) -> None:
        """From now on, running completions are continued with new weights, instead of being finished before an update.

        Adapters are merged: they could not be replaced under a completion.
        """
        self.newest.rank = 0
        for server in self.servers:
            server.continues = True

    def in_use(self) -> list[Server]:
        return [server for server in self.servers if not server.unused_because]

    def usable(self) -> list[Server]:
        """The servers with the newest weights. If none has them, they are sent again."""
        while not (usable := self.in_use()):
            with self.updating:
                if not self.in_use():
                    self.update_servers()
        return usable

    def update_servers(self, *, training: bool = True) -> None:
        """Send the newest weights to every server that answers and lacks them; if none answers any more, wait for one.

        `training`: the weights may change meanwhile.
        """
        can_send = world.is_leader() and (
            not training or self.transfer.works_while_training or self.newest.version == 0 or self.newest.rank > 0
        )
        # A server that comes back would need weights, which may be impossible to send now.
        deadline = time.monotonic() + (self.cfg.reconnect_seconds if self.worked and can_send else 0.0)
        while not self._reached(can_send):
            if time.monotonic() >= deadline or self.aborted:
                reasons = "\n".join(f"  {server.url}: {server.unused_because}" for server in self.servers)
                raise ValueError(f"no vLLM server can be used:\n{reasons}\n{RESUME}")
            time.sleep(RECONNECT_PAUSE)

    def _reached(self, can_send: bool) -> bool:
        """Whether at least one server can be used, after those that lack the newest weights have been sent them."""
        with self.updating:
            self._follow_addresses()
            lacking: list[Server] = []
            failed = on_each(self.servers, lambda server: self._has_newest(server, can_send) or lacking.append(server))
            failed |= self._send(sorted(lacking, key=self.servers.index))
            for server in self.servers:
                if server in failed:
                    self.leave_out(server, str(failed[server]))
                else:
                    self._use(server)
            return len(failed) < len(self.servers)

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

    def _has_newest(self, server: Server, can_send: bool) -> bool:
        """Whether the server has the newest weights already; ServerError if it cannot get them now."""
        newest, current = self.newest, server.weight_version()
        if current == newest.name and (not self.sends_adapters(server) or server.adapters == current):
            if server.unused_because:  # the connection may have broken at the end of the update
                server.resume(current)
            return True
        if not can_send:
            raise ServerError(AT_NEXT_SYNC)
        if not current.startswith(f"{newest.run}-"):  # it was restarted, or has served another trainer
            server.refuse_other_release()
            server.base = ""
            self.transfer.forget(server)
        return False

    def _send(self, servers: list[Server]) -> dict[Server, ServerError]:
        """Send the newest weights to all of these at once: to some the adapters alone. Returns those that did not get them."""
        failed = self._send_adapters([server for server in servers if self.sends_adapters(server)])
        whole = [server for server in servers if not self.sends_adapters(server)]  # some may just have refused adapters
        return failed | self.transfer.send(whole, self.newest.name, self.newest.whole)

    def sends_adapters(self, server: Server) -> bool:
        return bool(self.newest.rank) and server.takes_adapters

    def _send_adapters(self, servers: list[Server]) -> dict[Server, ServerError]:
        """Send the adapters, after the weights under them to servers that lack those."""
        name = self.newest.base_name
        without_base = [server for server in servers if server.base != name]
        failed = self.transfer.send(without_base, name, self.newest.base)
        for server in without_base:
            server.base = name if server not in failed else ""
        ready = [server for server in servers if server not in failed]
        folder = str(self.newest.adapters_folder()) if ready else ""
        return failed | on_each(ready, lambda server: self._load_adapters(server, folder))

    def _load_adapters(self, server: Server, folder: str) -> None:
        try:
            server.load_adapters(self.newest.name, folder)
        except adapters.AdaptersRejected as error:
            start = f"VLLM_ALLOW_RUNTIME_LORA_UPDATING=True and --enable-lora --max-lora-rank {self.newest.rank}"
            say(f"vllm_server: {server.url} does not accept these adapters ({error}). It may if started with {start}. {adapters.MERGED}")
            server.takes_adapters = False

    def _use(self, server: Server) -> None:
        if server.unused_because not in ("", NEW):
            say(f"vllm_server: {server.url} has the newest weights and is used again")
        server.unused_because = ""

    def leave_out(self, server: Server, why: str) -> None:
        if not server.unused_because:
            say(f"vllm_server: {server.url} is left out until it has received weights again: {why}")
        server.unused_because = why


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
