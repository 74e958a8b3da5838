"""A model's weights as an engine loads them: complete, and under the names of a checkpoint."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from r1lite.models import adapters

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@torch.no_grad()
def all_weights(model: PreTrainedModel, loaded: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The model's weights, with loaded ones in place of its own; adapters are merged, and tied weights occur once.

    An engine packs several weights into one (query, key and value), so it cannot be given a part of them.
    """
    from transformers.core_model_loading import revert_weight_conversion

    check_names(model, loaded)
    if adapters.has_adapters(model):
        model, loaded = _merged(model, loaded), {}
    return revert_weight_conversion(model, dict(_named_weights(model, loaded)))


@torch.no_grad()
def base_weights(model: PreTrainedModel, loaded: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights under a model's adapters, which training does not change; tied weights occur once."""
    from transformers.core_model_loading import revert_weight_conversion

    check_names(model, loaded)
    plain = {adapters.base_name(name): tensor for name, tensor in _named_weights(model, loaded) if not adapters.is_adapter(name)}
    wrapped: Any = model
    return revert_weight_conversion(wrapped.get_base_model(), plain)


def check_names(model: nn.Module, loaded: Mapping[str, Tensor]) -> None:
    unknown = sorted(loaded.keys() - dict(model.named_parameters()).keys())
    if unknown:
        raise ValueError(f"the weights are of another model: it has no {', '.join(unknown[:3])}")


def _named_weights(model: nn.Module, loaded: Mapping[str, Tensor]) -> list[tuple[str, Tensor]]:
    in_checkpoint = model.state_dict().keys()  # without buffers that are computed anew
    named: dict[str, Tensor] = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return [(name, loaded.get(name, tensor).detach()) for name, tensor in named.items() if name in in_checkpoint]


def _merged(model: PreTrainedModel, loaded: Mapping[str, Tensor]) -> PreTrainedModel:
    """A plain copy of the model with the loaded weights."""
    wrapped: Any = copy.deepcopy(model)
    for name, tensor in loaded.items():
        wrapped.get_parameter(name).copy_(tensor)
    return wrapped.merge_and_unload()
