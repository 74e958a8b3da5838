"""What runs inside vLLM's workers: weights taken over from a file, and the sampling temperature in the output head.

A server is told by name, and registers the transfer when it imports this module:
--worker-extension-cls r1lite.sampling.vllm_worker.Extension --weight-transfer-config '{"backend": "r1lite_disk"}'

Guarded: an update that lacks weights is an error. Not guarded: who asks. The routes that lead here are for administrators.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from safetensors import safe_open
from torch import Tensor
from vllm.distributed.weight_transfer import WeightTransferEngine, WeightTransferEngineFactory
from vllm.distributed.weight_transfer.base import WeightTransferInitInfo, WeightTransferUpdateInfo
from vllm.lora.layers import LogitsProcessorWithLoRA
from vllm.model_executor.layers.logits_processor import LogitsProcessor
from vllm.model_executor.layers.vocab_parallel_embedding import UnquantizedEmbeddingMethod
from vllm.model_executor.model_loader.reload import finalize_layerwise_reload, initialize_layerwise_reload

BACKEND = "r1lite_disk"
HOOK = "_r1lite_temperature"


@dataclass
class Init(WeightTransferInitInfo):
    temperature: float = 1.0


@dataclass
class Update(WeightTransferUpdateInfo):
    path: str  # a safetensors file with every weight, under the names of a checkpoint


class DiskTransfer(WeightTransferEngine):
    """The transport of last resort: it works wherever trainer and server see one folder."""

    init_info_cls = Init
    update_info_cls = Update

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        # While tied weights still are one; under the names that they have without adapters.
        self.wanted = {name.replace(".base_layer.", ".") for name, _ in self.model.named_parameters()}

    def init_transfer_engine(self, init_info: Init) -> None:
        set_temperature(self.model, init_info.temperature)

    def start_weight_update(self) -> None:
        initialize_layerwise_reload(self.model)

    def receive_weights(self, update_info: Update) -> None:
        model: Any = self.model
        loaded = model.load_weights(_read(update_info.path))
        missing = sorted(self.wanted - loaded) if loaded is not None else []
        if missing:
            raise ValueError(f"{update_info.path} lacks weights for {', '.join(missing[:3])}")

    def finish_weight_update(self) -> None:
        finalize_layerwise_reload(self.model, self.model_config)
        repack_heads(self.model)

    def shutdown(self) -> None:
        """Nothing is held between updates."""


class Extension:
    """Empty: naming it makes the workers import this module."""


def repack_heads(model: Any) -> None:
    """Let an output head that is tied to the embeddings follow them.

    On the CPU a head multiplies with a packed copy of its weights, and an update of the embeddings does not reach the copy:
    the engine would go on with new layers under an old head.
    """
    for module in model.modules():
        if isinstance(vars(module).get("quant_method"), UnquantizedEmbeddingMethod):  # its own, and not that of a layer it wraps
            module.quant_method.process_weights_after_loading(module)


def unplaced(model: Any, number: int) -> list[str]:
    """Layers whose adapters vLLM has read and has no use for: it says nothing of them."""
    manager = model.lora_manager
    return sorted(manager.get_adapter(number).loras.keys() - manager.modules.keys())


def set_temperature(model: Any, temperature: float) -> None:
    """Divide the logits where they leave the model.

    Raw log-probs are then of the sampling temperature and of the whole vocabulary. vLLM itself gives them either before
    the temperature, or after top-p and top-k.
    """
    heads = [module for module in model.modules() if isinstance(module, LogitsProcessorWithLoRA)]
    # An engine that serves adapters wraps the head, and calls the wrapper alone.
    heads = heads or [module for module in model.modules() if isinstance(module, LogitsProcessor)]
    if not heads:
        raise ValueError(f"{type(model).__name__} has no output head that r1lite knows of; use sampler=native")
    for head in heads:
        if hasattr(head, HOOK):
            getattr(head, HOOK).remove()
        setattr(head, HOOK, head.register_forward_hook(_divided_by(temperature)))


def _divided_by(temperature: float) -> Any:
    def hook(module: Any, args: Any, logits: Tensor | None) -> Tensor | None:
        return logits if logits is None or temperature == 1 else logits.float().div_(temperature)

    return hook


def _read(path: str) -> Iterator[tuple[str, Tensor]]:
    with safe_open(path, framework="pt") as file:
        for name in file.keys():  # noqa: SIM118 (it is no dict)
            yield name, file.get_tensor(name)


WeightTransferEngineFactory.register_engine(BACKEND, DiskTransfer)
