"""Which server a request goes to: the one with the least to do; all completions of a request to the same one, which then computes the
prompt once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from r1lite.sampling.vllm.client import Server


class Balance:
    """Counts the completions that each server has been given and not returned. Thread-safe."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.load: Counter[str] = Counter()  # completions, by the server's URL
        self.chosen: dict[int, tuple[str, int]] = {}  # request -> its server, and how many of its completions are in progress

    @contextmanager
    def server_for(self, request: int, usable: Callable[[], Sequence[Server]]) -> Iterator[Server]:
        """A server for one completion of a request."""
        servers = {server.url: server for server in usable()}
        with self.lock:
            url, running = self.chosen.get(request, ("", 0))
            if url not in servers:
                url, running = min(servers, key=lambda url: self.load[url]), 0
            self.chosen[request] = url, running + 1
            self.load[url] += 1
        try:
            yield servers[url]
        finally:
            with self.lock:
                self.load[url] -= 1
                current, running = self.chosen.get(request, ("", 0))
                if current == url and running > 1:
                    self.chosen[request] = url, running - 1
                elif current == url:
                    del self.chosen[request]
