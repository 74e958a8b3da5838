"""Sends weights to vLLM servers: by a file that both sides can read, or by NCCL. Adapters by themselves are always files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import Protocol

from torch import Tensor

from r1lite.config import SamplerConfig
from r1lite.sampling.vllm.client import Server
from r1lite.sampling.vllm.connection import ServerError
from r1lite.store.files import atomic

Weights = Callable[[], dict[str, Tensor]]  # a function, so that they are only collected if a server needs them


class Transfer(Protocol):
    """A way to send weights."""

    works_while_training: bool  # whether the newest weights can be sent while training changes the model

    def send(self, servers: Sequence[Server], name: str, weights: Weights) -> dict[Server, ServerError]:
        """Replace all weights of these servers by these, which they then have under this name. Returns those that failed."""
        ...

    def forget(self, server: Server) -> None:
        """Drop the connection to a server that was restarted, or has served another trainer."""
        ...


def make_transfer(cfg: SamplerConfig, folder: Path) -> Transfer:
    if cfg.transfer == "nccl":
        from r1lite.sampling.vllm.nccl import NcclTransfer

        return NcclTransfer(cfg.temperature)
    return DiskTransfer(folder, cfg.temperature)


class DiskTransfer:
    """Sends weights by a file, which works wherever trainer and servers share a folder. All servers read the same file."""

    works_while_training = True

    def __init__(self, folder: Path, temperature: float) -> None:
        self.folder, self.temperature = folder, temperature

    def send(self, servers: Sequence[Server], name: str, weights: Weights) -> dict[Server, ServerError]:
        if not servers:
            return {}
        file = self._written(name, weights)

        def send(server: Server) -> None:
            server.init_transfer({"temperature": self.temperature})
            server.start_update()
            server.update({"path": str(file)})
            server.finish_update(name)

        return on_each(servers, send)

    def forget(self, server: Server) -> None:
        """Nothing to do: there is no connection."""

    def _written(self, name: str, weights: Weights) -> Path:
        from safetensors.torch import save_file

        file = self.folder / f"{name}.safetensors"
        if not file.exists():
            tensors = {name: tensor.cpu().contiguous() for name, tensor in weights().items()}
            with atomic(file) as part:
                save_file(tensors, part)
        return file


def on_each(servers: Sequence[Server], call: Callable[[Server], object]) -> dict[Server, ServerError]:
    """Call a function for all servers at once. Returns the servers for which it failed."""
    failed: dict[Server, ServerError] = {}

    def attempt(server: Server) -> None:
        try:
            call(server)
        except ServerError as error:
            failed[server] = error

    with ThreadPoolExecutor(max_workers=max(len(servers), 1)) as pool:
        for future in [pool.submit(copy_context().run, attempt, server) for server in servers]:
            future.result()
    return failed
