"""What is done to a model inside vLLM: the sampling temperature in the output head, and a head that follows the embeddings."""

# pyright: reportMissingImports=false
from __future__ import annotations

from typing import Any

from torch import Tensor
from vllm.lora.layers import LogitsProcessorWithLoRA
from vllm.model_executor.layers.logits_processor import LogitsProcessor
from vllm.model_executor.layers.vocab_parallel_embedding import UnquantizedEmbeddingMethod

HOOK = "_r1lite_temperature"


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
