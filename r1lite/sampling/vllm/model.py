"""Changes to a model inside vLLM: the sampling temperature in its output head, and updates of a tied head."""

# pyright: reportMissingImports=false
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from vllm.lora.layers import LogitsProcessorWithLoRA
from vllm.model_executor.layers.logits_processor import LogitsProcessor
from vllm.model_executor.layers.vocab_parallel_embedding import UnquantizedEmbeddingMethod

HOOK = "_r1lite_temperature"


def repack_heads(model: nn.Module) -> None:
    """Update the packed weights of output heads that are tied to the embeddings.

    On the CPU a head multiplies by a packed copy of its weights, which an update of the embeddings does not change. The engine
    would combine new layers with an old head.
    """
    for module in model.modules():
        method = vars(module).get("quant_method")  # the module's own, not that of a layer that it wraps
        if isinstance(method, UnquantizedEmbeddingMethod):
            method.process_weights_after_loading(module)


def unused_adapters(model: Any, number: int) -> list[str]:
    """The layers whose adapters vLLM has read but does not use, which it does not report."""
    manager = model.lora_manager
    return sorted(manager.get_adapter(number).loras.keys() - manager.modules.keys())


def set_temperature(model: nn.Module, temperature: float) -> None:
    """Divide the logits by the temperature as they leave the model.

    vLLM's raw log-probs are then those at the sampling temperature over the whole vocabulary. vLLM itself offers log-probs
    before the temperature, or after top-p and top-k.
    """
    heads: list[nn.Module] = [module for module in model.modules() if isinstance(module, LogitsProcessorWithLoRA)]
    # An engine that serves adapters wraps the head, and calls only the wrapper.
    heads = heads or [module for module in model.modules() if isinstance(module, LogitsProcessor)]
    if not heads:
        raise ValueError(f"{type(model).__name__} has no output head that r1lite supports; use sampler=native")
    for head in heads:
        if hasattr(head, HOOK):
            getattr(head, HOOK).remove()
        setattr(head, HOOK, head.register_forward_hook(_divide_by(temperature)))


def _divide_by(temperature: float) -> Callable[..., Tensor | None]:
    def hook(module: nn.Module, args: object, logits: Tensor | None) -> Tensor | None:
        return logits if logits is None or temperature == 1 else logits.float().div_(temperature)

    return hook
