"""Sends weights to vLLM servers by NCCL, with vLLM's own sender. Not yet run on GPUs.

The trainer, which is rank 0, and the workers of all servers form one group: a weight is broadcast once, whatever their number.
Covered: a group that failed during an update is never used again; the servers that did not fail get the weights in a new one;
weights that training changes are sent only while it waits. Not covered: a server that dies in the middle of a broadcast, for
which NCCL waits.
"""

from __future__ import annotations

import socket
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from itertools import accumulate
from typing import Any
from urllib.parse import urlsplit

import torch
from torch import Tensor

from r1lite.sampling.vllm.client import Server
from r1lite.sampling.vllm.connection import Json, ServerError
from r1lite.sampling.vllm.transfer import Weights, on_each

BACKEND = "r1lite_nccl"
PACKED = True  # many weights in one broadcast
Sender = Any  # vLLM's NCCLTrainerWeightTransferEngine


class GroupBroken(Exception):
    """Some of a group's servers failed."""

    def __init__(self, failed: dict[Server, ServerError]) -> None:
        super().__init__("; ".join(f"{server.url}: {error}" for server, error in failed.items()))
        self.failed = failed


class NcclTransfer:
    """Broadcasts weights from GPU to GPU, in one group with all servers that lack them."""

    works_while_training = False  # the weights are sent from the memory in which they are trained

    def __init__(self, temperature: float) -> None:
        check_nccl()
        self.temperature = temperature
        self.group: dict[tuple[Server, ...], Sender] = {}  # by its servers; one at most
        self.changing = threading.Lock()  # servers are asked to forget at the same time
        weakref.finalize(self, _shut_down, self.group)

    def send(self, servers: Sequence[Server], name: str, weights: Weights) -> dict[Server, ServerError]:
        failed: dict[Server, ServerError] = {}
        source = WeightSource(weights()) if servers else None
        while source and (left := tuple(server for server in servers if server not in failed)):
            try:
                self._send(left, UpdateClient(left, name, self.temperature), source)
                break
            except BaseException as error:
                _shut_down(self.group)  # servers may be waiting in the middle of a broadcast
                if isinstance(error, GroupBroken):
                    failed |= error.failed
                elif isinstance(error, RuntimeError):  # from NCCL, or from the store where the group meets
                    failed |= dict.fromkeys(left, ServerError(f"NCCL: {error}"))
                else:
                    raise
        return failed

    def forget(self, server: Server) -> None:
        with self.changing:
            if any(server in servers for servers in self.group):
                _shut_down(self.group)

    def _send(self, servers: tuple[Server, ...], client: UpdateClient, source: WeightSource) -> None:
        if servers not in self.group:
            _shut_down(self.group)
            self.group[servers] = _join_group(servers, client, source)
        sender = self.group[servers]
        sender.client, sender.source = client, source
        sender.send_weights()
        sender.source = WeightSource({})  # so that merged weights, for example, are freed before the next sync


class UpdateClient:
    """vLLM's interface to a server, for its sender: the phases of an update, here on all servers at once.

    There is a pause around them, and a name at the end.
    """

    def __init__(self, servers: Sequence[Server], name: str, temperature: float) -> None:
        self.servers, self.name, self.temperature = servers, name, temperature
        self.workers: dict[Server, int] = {}  # how many each server has, once a group is joined

    def init_weight_transfer_engine(self, init_info: Json) -> None:
        first = dict(zip(self.servers, accumulate((self.workers[server] for server in self.servers), initial=1), strict=False))
        shared = init_info | {"temperature": self.temperature}
        self._on_each(lambda server: server.init_transfer(shared | {"rank_offset": first[server]}))

    def start_weight_update(self) -> None:
        self._on_each(lambda server: server.start_update())

    def update_weights(self, update_info: Json) -> None:
        self._on_each(lambda server: server.update(update_info))

    def finish_weight_update(self, weight_version: str | None = None) -> None:
        self._on_each(lambda server: server.finish_update(weight_version or self.name))

    def count_workers(self) -> int:
        """Of all servers; each is also asked how it receives weights."""
        self._on_each(lambda server: self.workers.update({server: _workers(server)}))
        return sum(self.workers.values())

    def _on_each(self, call: Callable[[Server], object]) -> None:
        if failed := on_each(self.servers, call):
            raise GroupBroken(failed)


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


def _join_group(servers: Sequence[Server], client: UpdateClient, source: WeightSource) -> Sender:
    """Form a group with the workers of all servers, and return its sender."""
    size = 1 + client.count_workers()
    addresses: dict[Server, str] = {}
    if failed := on_each(servers, lambda server: addresses.update({server: address_towards(server.url)})):
        raise GroupBroken(failed)
    # Servers on this machine reach it by its address in the network as well.
    meeting = min((addresses[server] for server in servers), key=lambda address: address.startswith("127."))
    info = import_module("vllm.distributed.weight_transfer.nccl_engine").NCCLTrainerInitInfo(
        master_address=meeting, master_port=_free_port(), world_size=size, packed=PACKED, rank=0
    )
    factory = import_module("vllm.distributed.weight_transfer").WeightTransferTrainerFactory
    sender = factory.trainer_init(info, client=client, source=source)
    if sender.model_update_group.disabled:  # its broadcasts would do nothing, without an error
        raise ValueError("sampler.transfer=nccl: vLLM finds no NCCL library where the trainer runs. sampler.transfer=disk needs none.")
    return sender


def _workers(server: Server) -> int:
    """The number of the server's workers. ServerError if it was started for another transfer: the group would wait for it forever."""
    config = (server.fetch_json("/server_info?config_format=json").get("vllm_config") or {}).get("weight_transfer_config") or {}
    if config.get("backend") != BACKEND:
        option = f'--weight-transfer-config \'{{"backend": "{BACKEND}"}}\''
        raise ServerError(f"it receives weights by {config.get('backend')!r}; for sampler.transfer=nccl start it with {option}")
    workers = server.fetch_json("/get_world_size").get("world_size")
    if not isinstance(workers, int):
        raise ServerError("it does not say how many workers it has")
    return workers


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("", 0))
        return listener.getsockname()[1]


def _shut_down(group: dict[tuple[Server, ...], Sender]) -> None:
    while group:
        group.popitem()[1].shutdown()
