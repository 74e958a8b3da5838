"""Sends weights to a vLLM server by NCCL, with vLLM's own sender. Not yet run on GPUs.

Each server forms a group with the trainer, which is rank 0. Covered: a group that failed during an update is never used again,
and weights that training changes are sent only while it waits.
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

from r1lite.sampling.vllm.client import Server
from r1lite.sampling.vllm.connection import Json, ServerError
from r1lite.sampling.vllm.transfer import Weights

BACKEND = "r1lite_nccl"
PACKED = True  # many weights in one broadcast
Sender = Any  # vLLM's NCCLTrainerWeightTransferEngine


class NcclTransfer:
    """Broadcasts weights from GPU to GPU, in a group with each server."""

    works_while_training = False  # the weights are sent from the memory in which they are trained

    def __init__(self, temperature: float) -> None:
        check_nccl()
        self.temperature = temperature
        self.senders: dict[str, Sender] = {}  # by the server's URL
        self.sending = threading.Lock()  # one server at a time, since all share the trainer's GPU
        weakref.finalize(self, _shut_down, self.senders)

    def send(self, server: Server, name: str, weights: Weights) -> None:
        with self.sending:
            try:
                self._send(server, UpdateClient(server, name, self.temperature), WeightSource(weights()))
            except BaseException as error:
                self.forget(server)  # the server may be waiting in the middle of a broadcast
                if isinstance(error, RuntimeError):  # from NCCL, or from the store where the group meets
                    raise ServerError(f"NCCL: {error}") from error
                raise

    def forget(self, server: Server) -> None:
        _shut_down({server.url: self.senders.pop(server.url, None)})

    def _send(self, server: Server, client: UpdateClient, source: WeightSource) -> None:
        if server.url not in self.senders:
            self.senders[server.url] = _join_group(server, client, source)
        sender = self.senders[server.url]
        sender.client, sender.source = client, source
        sender.send_weights()
        sender.source = WeightSource({})  # so that merged weights, for example, are freed before the next sync


class UpdateClient:
    """vLLM's interface to a server, for its sender: the phases of an update, with a pause around them and a name at the end."""

    def __init__(self, server: Server, name: str, temperature: float) -> None:
        self.server, self.name, self.temperature = server, name, temperature

    def init_weight_transfer_engine(self, init_info: Json) -> None:
        self.server.init_transfer(init_info | {"temperature": self.temperature})

    def start_weight_update(self) -> None:
        self.server.start_update()

    def update_weights(self, update_info: Json) -> None:
        self.server.update(update_info)

    def finish_weight_update(self, weight_version: str | None = None) -> None:
        self.server.finish_update(weight_version or self.name)


class WeightSource:
    """vLLM's interface to weights, for its sender: their metadata first, then one by one, on the device of NCCL."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        self.weights = weights

    def metadata(self) -> list[object]:
        meta = import_module("vllm.distributed.weight_transfer").ParamMeta
        return [meta(name, tensor.dtype, tuple(tensor.shape)) for name, tensor in self.weights.items()]

    def __iter__(self) -> Iterator[tuple[str, Tensor]]:
        device = torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")
        return ((name, tensor.to(device)) for name, tensor in self.weights.items())


def check_nccl() -> None:
    """Raise ValueError if the trainer cannot send weights by NCCL."""
    if find_spec("vllm") is None:
        lacks = "vLLM where the trainer runs, too: pip install 'r1lite[vllm]'"
    elif not torch.cuda.is_available():
        lacks = "a CUDA GPU where the trainer runs, and there is none"
    else:
        return
    raise ValueError(f"sampler.transfer=nccl needs {lacks}. sampler.transfer=disk works everywhere.")


def address_towards(url: str) -> str:
    """This machine's address in the server's network, where the server's workers can meet the trainer. Sends nothing."""
    parts = urlsplit(url)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((parts.hostname, parts.port or 80))
        except OSError as error:
            raise ServerError(f"it cannot be reached: {error}") from error
        return probe.getsockname()[0]


def _join_group(server: Server, client: UpdateClient, source: WeightSource) -> Sender:
    """Form a group with the server's workers, and return its sender."""
    _check_backend(server)
    workers = server.fetch_json("/get_world_size").get("world_size")
    if not isinstance(workers, int):
        raise ServerError("it does not say how many workers it has")
    info = import_module("vllm.distributed.weight_transfer.nccl_engine").NCCLTrainerInitInfo(
        master_address=address_towards(server.url), master_port=_free_port(), world_size=1 + workers, packed=PACKED, rank=0
    )
    factory = import_module("vllm.distributed.weight_transfer").WeightTransferTrainerFactory
    sender = factory.trainer_init(info, client=client, source=source)
    if sender.model_update_group.disabled:  # its broadcasts would do nothing, without an error
        raise ValueError("sampler.transfer=nccl: vLLM finds no NCCL library where the trainer runs. sampler.transfer=disk needs none.")
    return sender


def _check_backend(server: Server) -> None:
    """Raise ServerError if the server was started for another transfer: the group would wait for it forever."""
    config = (server.fetch_json("/server_info?config_format=json").get("vllm_config") or {}).get("weight_transfer_config") or {}
    if config.get("backend") != BACKEND:
        option = f'--weight-transfer-config \'{{"backend": "{BACKEND}"}}\''
        raise ServerError(f"it receives weights by {config.get('backend')!r}; for sampler.transfer=nccl start it with {option}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("", 0))
        return listener.getsockname()[1]


def _shut_down(senders: dict[str, Sender]) -> None:
    for sender in senders.values():
        if sender is not None:
            sender.shutdown()
    senders.clear()
