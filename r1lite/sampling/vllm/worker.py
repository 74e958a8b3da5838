"""What runs inside vLLM's workers: weights taken over from a file, or from the trainer through NCCL.

A server is told by name, and registers both when it imports this module:
--worker-extension-cls r1lite.sampling.vllm.worker.Extension --weight-transfer-config '{"backend": "r1lite_disk"}'

Guarded: an update that lacks weights is an error. Not guarded: who asks. The routes that lead here are for administrators.
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
    path: str  # a safetensors file with every weight, under the names of a checkpoint


@dataclass(kw_only=True)
class NcclInit(NCCLWeightTransferInitInfo):
    temperature: float = 1.0


class WholeModel(WeightTransferEngine):
    """What every transfer does with the weights that come, wherever they come from."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        # While tied weights still are one; under the names that they have without adapters.
        self.wanted = {name.replace(".base_layer.", ".") for name, _ in self.model.named_parameters()}

    def start_weight_update(self) -> None:
        initialize_layerwise_reload(self.model)

    def finish_weight_update(self) -> None:
        finalize_layerwise_reload(self.model, self.model_config)
        repack_heads(self.model)

    @contextmanager
    def all_wanted(self, source: str) -> Iterator[None]:
        """ValueError where less than all weights are loaded inside. vLLM itself would leave the rest as it found it, or unwritten."""
        model, counting = self.model, Counting(self.model)
        self.model = cast("Any", counting)
        try:
            yield
        finally:
            self.model = model
        missing = sorted(self.wanted - counting.loaded)
        if missing and counting.tells:
            raise ValueError(f"{source} lacks weights for {', '.join(missing[:3])}")


class Counting:
    """In the place of a model while weights are loaded into it."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.loaded: set[str] = set()
        self.tells = True  # some models do not say what they have loaded

    def load_weights(self, weights: Iterable[tuple[str, Tensor]]) -> None:
        loaded = self.model.load_weights(weights)
        self.tells = self.tells and loaded is not None
        self.loaded |= loaded or set()


class DiskTransfer(WholeModel):
    """The transport of last resort: it works wherever trainer and server see one folder."""

    init_info_cls = DiskInit
    update_info_cls = DiskUpdate

    def init_transfer_engine(self, init_info: DiskInit) -> None:
        set_temperature(self.model, init_info.temperature)

    def receive_weights(self, update_info: DiskUpdate) -> None:
        with self.all_wanted(update_info.path):
            cast("Any", self.model).load_weights(_read(update_info.path))

    def shutdown(self) -> None:
        """Nothing is held between updates."""


class NcclTransfer(WholeModel, NCCLWeightTransferEngine):
    """From GPU to GPU: vLLM's own receiver. The trainer's side is r1lite/sampling/vllm/nccl.py."""

    init_info_cls = NcclInit
    update_info_cls = NCCLWeightTransferUpdateInfo

    def init_transfer_engine(self, init_info: NCCLWeightTransferInitInfo) -> None:
        """Join a group, and leave the one of a trainer before."""
        assert isinstance(init_info, NcclInit)
        self.shutdown()
        super().init_transfer_engine(init_info)
        if self.model_update_group is None or self.model_update_group.disabled:
            raise ValueError("this worker has no NCCL; start the server for the transfer r1lite_disk")
        set_temperature(self.model, init_info.temperature)

    def receive_weights(self, update_info: NCCLWeightTransferUpdateInfo) -> None:
        with self.all_wanted("what the trainer sent"):
            super().receive_weights(update_info)


class Extension:
    """Empty: naming it makes the workers import this module."""


def _read(path: str) -> Iterator[tuple[str, Tensor]]:
    with safe_open(path, framework="pt") as file:
        for name in file.keys():  # noqa: SIM118 (it is no dict)
            yield name, file.get_tensor(name)


WeightTransferEngineFactory.register_engine("r1lite_disk", DiskTransfer)
WeightTransferEngineFactory.register_engine("r1lite_nccl", NcclTransfer)
