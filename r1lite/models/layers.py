"""How a model's layers run in training: with gradient checkpointing, compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from transformers.modeling_layers import GradientCheckpointingLayer

from r1lite.config import ModelConfig

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def configure_layers(model: PreTrainedModel, cfg: ModelConfig) -> None:
    if cfg.gradient_checkpointing:
        enable_gradient_checkpointing(model)
    if cfg.compile:
        compile_parts(model)


def enable_gradient_checkpointing(model: PreTrainedModel) -> None:
    """Save only each layer's input for the backward pass. The flag is set on the layers alone, so dropout inside them stays off."""
    model.gradient_checkpointing_enable({"use_reentrant": False})
    for layer in model.modules():
        if isinstance(layer, GradientCheckpointingLayer):
            layer.training = True


def uses_gradient_checkpointing(model: nn.Module) -> bool:
    """Such a model sees whole sequences only: a layer that runs twice must not write to a cache."""
    return any(isinstance(layer, GradientCheckpointingLayer) and layer.training for layer in model.modules())


def compile_parts(model: nn.Module) -> None:
    """Compile MLPs and norms. They depend on the number of tokens but on no cache, so one compilation serves all shapes."""
    for layer in model.modules():
        if isinstance(layer, GradientCheckpointingLayer):
            for part in layer.children():
                if not _is_attention(part):
                    part.compile(dynamic=True)


def _is_attention(part: nn.Module) -> bool:
    return hasattr(part, "layer_idx") or "attention" in type(part).__name__.lower()
