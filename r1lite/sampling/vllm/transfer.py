"""How weights get to a vLLM server: through a file that both sides see, or through NCCL. Adapters by themselves are always files."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from torch import Tensor

from r1lite.config import SamplerConfig
from r1lite.sampling.vllm.http import Server
from r1lite.store.files import atomic

Weights = Callable[[], dict[str, Tensor]]  # made only where somebody lacks them


class Transfer(Protocol):
    keeps_weights: bool  # whether a server can be given the newest weights while the trainer changes them

    def send(self, server: Server, name: str, weights: Weights) -> None:
        """All weights, while nothing is sampled; the server then knows them by this name."""
        ...

    def forget(self, server: Server) -> None:
        """It was restarted, or has been serving somebody else."""
        ...


def make_transfer(cfg: SamplerConfig, folder: Path) -> Transfer:
    if cfg.transfer == "nccl":
        from r1lite.sampling.vllm.nccl import NcclTransfer

        return NcclTransfer(cfg.temperature)
    return DiskTransfer(folder, cfg.temperature)


class DiskTransfer:
    """It works wherever trainer and server see one folder. A file is written once, for however many servers."""

    keeps_weights = True

    def __init__(self, folder: Path, temperature: float) -> None:
        self.folder, self.temperature = folder, temperature
        self.writing = threading.Lock()

    def send(self, server: Server, name: str, weights: Weights) -> None:
        file = self._written(name, weights)
        server.prepare({"temperature": self.temperature})
        server.begin()
        server.receive({"path": str(file)})
        server.finish(name)

    def forget(self, server: Server) -> None:
        """Nothing was agreed with it."""

    def _written(self, name: str, weights: Weights) -> Path:
        from safetensors.torch import save_file

        file = self.folder / f"{name}.safetensors"
        with self.writing:
            if not file.exists():
                tensors = {name: tensor.cpu().contiguous() for name, tensor in weights().items()}
                with atomic(file) as part:
                    save_file(tensors, part)
        return file
