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

    check_given(model, given)
    if adapters.has_adapters(model):
        model, given = _merged(model, given), {}
    return revert_weight_conversion(model, dict(_named(model, given)))


@torch.no_grad()
def base(model: Any, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights that lie under a model's adapters, which training leaves as they are; tied weights once."""
    from transformers.core_model_loading import revert_weight_conversion

    check_given(model, given)
    plain = {adapters.base_name(name): tensor for name, tensor in _named(model, given) if not adapters.is_adapter(name)}
    return revert_weight_conversion(model.get_base_model(), plain)


def check_given(model: Any, given: Mapping[str, Tensor]) -> None:
    unknown = sorted(given.keys() - dict(model.named_parameters()).keys())
    if unknown:
        raise ValueError(f"the weights are of another model: it has no {', '.join(unknown[:3])}")


def _named(model: Any, given: Mapping[str, Tensor]) -> list[tuple[str, Tensor]]:
    kept = model.state_dict().keys()  # what a checkpoint holds: no buffers that are made anew
    named: dict[str, Tensor] = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return [(name, given.get(name, own).detach()) for name, own in named.items() if name in kept]


def _merged(model: Any, given: Mapping[str, Tensor]) -> Any:
    """A plain model with the given weights; the one that is trained stays as it is."""
    model = copy.deepcopy(model)
    for name, tensor in given.items():
        model.get_parameter(name).copy_(tensor)
    return model.merge_and_unload()
