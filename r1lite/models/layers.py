"""How a model's layers are run in training: recomputed in the backward pass, compiled."""

from __future__ import annotations

from typing import Any

from torch import nn
from transformers.modeling_layers import GradientCheckpointingLayer

from r1lite.config import ModelConfig


def arranged(model: Any, cfg: ModelConfig) -> Any:
    """The same model, run as the settings say."""
    if cfg.gradient_checkpointing:
        recompute(model)
    if cfg.compile:
        compile_parts(model)
    return model


def recompute(model: Any) -> None:
    """Each layer keeps its input alone. Only the layers' own flag is set: dropout inside of them stays off."""
    model.gradient_checkpointing_enable({"use_reentrant": False})
    for layer in model.modules():
        if isinstance(layer, GradientCheckpointingLayer):
            layer.training = True


def recomputes(model: Any) -> bool:
    """A layer that is run again must not write to a cache: such a model sees whole sequences."""
    return any(isinstance(layer, GradientCheckpointingLayer) and layer.training for layer in model.modules())


def compile_parts(model: Any) -> None:
    """Feed-forward parts and norms. They see a number of tokens and nothing of caches, so one compilation serves all shapes."""
    for layer in model.modules():
        if isinstance(layer, GradientCheckpointingLayer):
            for part in layer.children():
                if not _attends(part):
                    part.compile(dynamic=True)


def _attends(part: nn.Module) -> bool:
    return hasattr(part, "layer_idx") or "attention" in type(part).__name__.lower()
