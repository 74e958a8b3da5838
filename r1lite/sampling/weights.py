"""A model's weights as an engine wants them: all of them, under the names that they have in a checkpoint."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from r1lite.models import adapters


@torch.no_grad()
def whole(model: Any, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The model's weights with those given in place of its own; adapters merged, tied weights once.

    An engine packs several weights into one (query, key, value), so a part of them would leave it with neither old nor new.
    """
    from transformers.core_model_loading import revert_weight_conversion

    mine = dict(model.named_parameters())
    unknown = sorted(given.keys() - mine.keys())
    if unknown:
        raise ValueError(f"the weights are of another model: it has no {', '.join(unknown[:3])}")
    if adapters.has_adapters(model):
        model, given = adapters.merged(_taken_over(model, given, mine)), {}
    kept = model.state_dict().keys()  # what a checkpoint holds: no buffers that are made anew
    named: dict[str, Tensor] = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return revert_weight_conversion(model, {name: given.get(name, own).detach() for name, own in named.items() if name in kept})


def _taken_over(model: Any, given: Mapping[str, Tensor], mine: Mapping[str, Tensor]) -> Any:
    """The model itself where the given weights are its own, else a copy that has them."""
    if all(mine[name] is tensor for name, tensor in given.items()):
        return model
    model = copy.deepcopy(model)
    for name, tensor in given.items():
        model.get_parameter(name).copy_(tensor)
    return model
