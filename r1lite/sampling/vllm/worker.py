"""Runs inside vLLM's workers: receives weights from a file, or from the trainer by NCCL.

A server imports this module, and so registers both transfers, if it is started with
--worker-extension-cls r1lite.sampling.vllm.worker.Extension --weight-transfer-config '{"backend": "r1lite_disk"}'

Covered: an update that lacks weights is an error. Not covered: who sends it. The routes that lead here are for administrators.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from safetensors import safe_open
from torch import Tensor
from vllm.distributed.weight_transfer import WeightTransferEngine, WeightTransferEngineFactory
from vllm.distributed.weight_transfer.base import WeightTransferInitInfo, WeightTransferUpdateInfo
from vllm.distributed.weight_transfer.nccl_common import NCCLWeightTransferInitInfo
from vllm.distributed.weight_transfer.nccl_engine import NCCLWeightTransferEngine, NCCLWeightTransferUpdateInfo
from vllm.model_executor.model_loader.reload import finalize_layerwise_reload, initialize_layerwise_reload

from r1lite.sampling.vllm.model import repack_heads, set_temperature


@dataclass
class DiskInit(WeightTransferInitInfo):
    temperature: float = 1.0


@dataclass
class DiskUpdate(WeightTransferUpdateInfo):
    path: str  # a safetensors file with all weights, under the names of a checkpoint


@dataclass(kw_only=True)
class NcclInit(NCCLWeightTransferInitInfo):
    temperature: float = 1.0


class CompleteUpdate(WeightTransferEngine):
    """The part of an update that is common to all transfers: it must replace all weights."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        # Names without adapters. Tied weights are still one parameter at this time.
        self.required = {name.replace(".base_layer.", ".") for name, _ in self.model.named_parameters()}

    def start_weight_update(self) -> None:
        initialize_layerwise_reload(self.model)

    def finish_weight_update(self) -> None:
        finalize_layerwise_reload(self.model, self.model_config)
        repack_heads(self.model)

    @contextmanager
    def require_all(self, source: str) -> Iterator[None]:
        """ValueError if not all weights are loaded inside the context. vLLM would keep the old ones, or leave them uninitialised."""
        model, recorder = self.model, LoadRecorder(self.model)
        self.model = cast("Any", recorder)
        try:
            yield
        finally:
            self.model = model
        missing = sorted(self.required - recorder.loaded)
        if missing and recorder.complete:
            raise ValueError(f"{source} lacks weights for {', '.join(missing[:3])}")


class LoadRecorder:
    """Stands in for a model while weights are loaded into it, and records their names."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.loaded: set[str] = set()
        self.complete = True  # False if the model does not report what it has loaded

    def load_weights(self, weights: Iterable[tuple[str, Tensor]]) -> None:
        loaded = self.model.load_weights(weights)
        self.complete = self.complete and loaded is not None
        self.loaded |= loaded or set()


class DiskTransfer(CompleteUpdate):
    """Receives weights by a file, which works wherever trainer and server share a folder."""

    init_info_cls = DiskInit
    update_info_cls = DiskUpdate

    def init_transfer_engine(self, init_info: DiskInit) -> None:
        set_temperature(self.model, init_info.temperature)

    def receive_weights(self, update_info: DiskUpdate) -> None:
        with self.require_all(update_info.path):
            cast("Any", self.model).load_weights(_read(update_info.path))

    def shutdown(self) -> None:
        """Nothing to do: there is no connection."""


class NcclTransfer(CompleteUpdate, NCCLWeightTransferEngine):
    """Receives weights from GPU to GPU, with vLLM's own receiver. The trainer's side is nccl.py in this folder."""

    init_info_cls = NcclInit
    update_info_cls = NCCLWeightTransferUpdateInfo

    def init_transfer_engine(self, init_info: NCCLWeightTransferInitInfo) -> None:
        """Join the trainer's group, and leave that of an earlier trainer."""
        assert isinstance(init_info, NcclInit)
        self.shutdown()
        super().init_transfer_engine(init_info)
        if self.model_update_group is None or self.model_update_group.disabled:
            raise ValueError("this worker has no NCCL; start the server with the backend r1lite_disk")
        set_temperature(self.model, init_info.temperature)

    def receive_weights(self, update_info: NCCLWeightTransferUpdateInfo) -> None:
        with self.require_all("the trainer's update"):
            super().receive_weights(update_info)


class Extension:
    """Empty: its name in the server's options makes the workers import this module."""


def _read(path: str) -> Iterator[tuple[str, Tensor]]:
    with safe_open(path, framework="pt") as file:
        for name in file.keys():  # noqa: SIM118 (not a dict)
            yield name, file.get_tensor(name)


WeightTransferEngineFactory.register_engine("r1lite_disk", DiskTransfer)
WeightTransferEngineFactory.register_engine("r1lite_nccl", NcclTransfer)
