"""How weights get to a vLLM server on GPUs: through NCCL, by vLLM's own sender. No GPU has run this yet.

Each server forms a group with the trainer, who is its rank 0. What must be so, and is seen to: a group that broke down in
the middle of an update is never used again, and weights that training changes are sent only while it waits.
"""

from __future__ import annotations

import socket
import threading
import weakref
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

import torch
from torch import Tensor

from r1lite.sampling.vllm.http import Lost, Server
from r1lite.sampling.vllm.transfer import Weights

BACKEND = "r1lite_nccl"
PACKED = True  # many weights in one broadcast


class NcclTransfer:
    keeps_weights = False  # they are sent from where they are trained

    def __init__(self, temperature: float) -> None:
        check_nccl()
        self.temperature = temperature
        self.groups: dict[str, Any] = {}  # address -> vLLM's sender
        self.sending = threading.Lock()  # one server at a time: all share the trainer's GPU
        weakref.finalize(self, _shut_down, self.groups)

    def send(self, server: Server, name: str, weights: Weights) -> None:
        with self.sending:
            try:
                self._send(server, Phases(server, name, self.temperature), Source(weights()))
            except BaseException as error:
                self.forget(server)  # it may be waiting in the middle of a broadcast
                if isinstance(error, RuntimeError):  # of NCCL, or of the store that the group meets at
                    raise Lost(f"NCCL: {error}") from error
                raise

    def forget(self, server: Server) -> None:
        _shut_down({server.url: self.groups.pop(server.url, None)})

    def _send(self, server: Server, phases: Phases, source: Source) -> None:
        if server.url not in self.groups:
            self.groups[server.url] = _joined(server, phases, source)
        sender = self.groups[server.url]
        sender.client, sender.source = phases, source
        sender.send_weights()
        sender.source = Source({})  # merged weights, say, are not held until the next sync


class Phases:
    """A server as vLLM's sender wants it: the four phases of an update, with a pause around them and a name at the end."""

    def __init__(self, server: Server, name: str, temperature: float) -> None:
        self.server, self.name, self.temperature = server, name, temperature

    def init_weight_transfer_engine(self, init_info: dict[str, Any]) -> None:
        self.server.prepare(init_info | {"temperature": self.temperature})

    def start_weight_update(self) -> None:
        self.server.begin()

    def update_weights(self, update_info: Any) -> None:
        self.server.receive(update_info)

    def finish_weight_update(self, weight_version: str | None = None) -> None:
        self.server.finish(weight_version or self.name)


class Source:
    """Weights as vLLM's sender wants them: told beforehand, then one by one, where NCCL can read them."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        self.weights = weights

    def metadata(self) -> list[Any]:
        told = import_module("vllm.distributed.weight_transfer").ParamMeta
        return [told(name, tensor.dtype, tuple(tensor.shape)) for name, tensor in self.weights.items()]

    def __iter__(self) -> Iterator[tuple[str, Tensor]]:
        device = torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")
        return ((name, tensor.to(device)) for name, tensor in self.weights.items())


def check_nccl() -> None:
    """ValueError where the trainer cannot send weights through NCCL."""
    if find_spec("vllm") is None:
        lacks = "vLLM where the trainer runs, too: pip install 'r1lite[vllm]'"
    elif not torch.cuda.is_available():
        lacks = "a CUDA GPU where the trainer runs, and there is none"
    else:
        return
    raise ValueError(f"sampler.transfer=nccl needs {lacks}. sampler.transfer=disk works everywhere.")


def address_towards(url: str) -> str:
    """This machine's address on the way to a server, at which the server's workers can meet the trainer. Nothing is sent."""
    parts = urlsplit(url)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        try:
            way.connect((parts.hostname, parts.port or 80))
        except OSError as error:
            raise Lost(f"there is no way to it: {error}") from error
        return way.getsockname()[0]


def _joined(server: Server, phases: Phases, source: Source) -> Any:
    """A sender in a new group with the server's workers."""
    _check_backend(server)
    workers = server.call("/get_world_size").get("world_size")
    if not isinstance(workers, int):
        raise Lost("it does not say how many workers it has")
    about = import_module("vllm.distributed.weight_transfer.nccl_engine").NCCLTrainerInitInfo(
        master_address=address_towards(server.url), master_port=_free_port(), world_size=1 + workers, packed=PACKED, rank=0
    )
    factory = import_module("vllm.distributed.weight_transfer").WeightTransferTrainerFactory
    sender = factory.trainer_init(about, client=phases, source=source)
    if sender.model_update_group.disabled:  # then its broadcasts do nothing, and say nothing
        raise ValueError("sampler.transfer=nccl: vLLM finds no NCCL library where the trainer runs. sampler.transfer=disk needs none.")
    return sender


def _check_backend(server: Server) -> None:
    """Before anybody waits for the other in a group."""
    has = (server.call("/server_info?config_format=json").get("vllm_config") or {}).get("weight_transfer_config") or {}
    if has.get("backend") != BACKEND:
        wanted = f'--weight-transfer-config \'{{"backend": "{BACKEND}"}}\''
        raise Lost(f"it takes weights by {has.get('backend')!r}; for sampler.transfer=nccl start it with {wanted}")


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("", 0))
        return held.getsockname()[1]


def _shut_down(groups: dict[str, Any]) -> None:
    for sender in groups.values():
        if sender is not None:
            sender.shutdown()
    groups.clear()
