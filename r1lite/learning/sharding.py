"""Sharded weights (FSDP2): a rank holds a part of every weight, and gathers those of a layer while that layer computes.

Gradients are sums over the ranks, as they are with whole copies: each rank divides its loss by the totals of the step. All ranks
must run the same number of passes, and run the model only through `through`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from transformers.modeling_layers import GradientCheckpointingLayer

from r1lite.parallel import world

CPU = torch.device("cpu")
M = TypeVar("M", bound=nn.Module)
Results = TypeVar("Results")

# For each sharded model, its structure with weights that take no memory, of the dtype that it computes in.
_structures: WeakKeyDictionary[nn.Module, nn.Module] = WeakKeyDictionary()


class _Entrance:
    """A model whose call can run any function of it, so that FSDP gathers the weights outside of layers for all of them."""

    def forward(self, *arguments: Any, run: Callable[[Any], Any] | None = None, **named: Any) -> Any:
        return super().forward(*arguments, **named) if run is None else run(self)  # pyright: ignore[reportAttributeAccessIssue]


def is_sharded(model: nn.Module) -> bool:
    return model in _structures


def distribute(model: M) -> M:
    """Give each rank its part of the model's weights, in place. Where ranks hold whole copies, the model stays as it is."""
    if world.shard() == 1:
        return model
    dtype = next(model.parameters()).dtype
    _structures[model] = _without_weights(model)
    model.__class__ = type(type(model).__name__, (_Entrance, type(model)), {})  # pyright: ignore[reportAttributeAccessIssue]
    for layer in [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]:
        _shard(layer, dtype)
    _shard(model, dtype)
    return model


def through(model: nn.Module, function: Callable[[Any], Results]) -> Results:
    """The function of the model, with the weights that it needs. It must return tensors, which FSDP watches for the backward pass."""
    if not is_sharded(model):
        return function(model)
    results = model(run=function)
    if not torch.is_grad_enabled():
        model.reshard()  # pyright: ignore[reportCallIssue]  or the gathered weights would hide what is written to the parts
    return results


def entered(module: nn.Module) -> Callable[..., Any]:
    """How a function inside `through` calls the model or its trunk: the model itself has been entered already."""
    return module.forward if is_sharded(module) else module


def whole(model: M, *, here: bool = True, device: torch.device | None = None) -> M:
    """A whole copy of the model. All ranks must ask for it; one that does not want it `here` gets the structure alone."""
    if not is_sharded(model):
        return copy.deepcopy(model)
    structure = _structures[model]
    result: Any = copy.deepcopy(structure, {id(buffer): buffer for buffer in structure.buffers()})
    weights = dict(result.named_parameters())
    for name, part in model.named_parameters():
        tensor = full(part.detach())
        if here:
            _put(result, weights[name], tensor.to(device or tensor.device, weights[name].dtype))
    return result


def whole_dtype(model: nn.Module) -> torch.dtype:
    """The dtype that the model computes in, of which its parts are more precise copies."""
    return next(_structures.get(model, model).parameters()).dtype


def sum_over_copies(now: bool) -> None:
    """Whether the next backward pass sums gradients over all copies of the weights, or only within a copy: once a step is enough."""
    for model in _structures if world.size() > world.shard() else ():
        model.set_requires_all_reduce(now)  # pyright: ignore[reportCallIssue]


def is_part(tensor: Tensor) -> bool:
    """Whether this rank has only a part of the tensor."""
    return hasattr(tensor, "full_tensor")


def full(tensor: Tensor) -> Tensor:
    """The whole tensor of which each rank has a part. All ranks must ask for it."""
    return tensor.full_tensor() if is_part(tensor) else tensor  # pyright: ignore[reportAttributeAccessIssue]


def full_weights(weights: Iterable[tuple[str, Tensor]]) -> Iterator[tuple[str, Tensor]]:
    """The whole tensors, one after another. All ranks must go through them."""
    return ((name, full(tensor)) for name, tensor in weights)


def _shard(module: nn.Module, dtype: torch.dtype) -> None:
    from torch.distributed.fsdp import CPUOffloadPolicy, MixedPrecisionPolicy, OffloadPolicy, fully_shard

    precise = torch.promote_types(dtype, torch.float32)
    module.to(precise)  # the parts are float32 masters
    computes_in = MixedPrecisionPolicy(param_dtype=dtype, reduce_dtype=precise) if dtype != precise else MixedPrecisionPolicy()
    offload = CPUOffloadPolicy() if world.offload() else OffloadPolicy()
    sharded: Any = fully_shard(module, mesh=_mesh(next(module.parameters()).device.type), mp_policy=computes_in, offload_policy=offload)
    # A sum, not a mean; gloo sums only if it is told to.
    sharded.set_force_sum_reduction_for_comms(True)
    sharded.set_gradient_divide_factor(1.0)
    sharded.set_reduce_scatter_unused_params(True)  # a rank's passes may not touch a weight that another's do


@lru_cache
def _mesh(device: str) -> Any:
    """The ranks in rows: those of a row share a copy, and each row has one."""
    from torch.distributed import init_device_mesh

    replicas = world.size() // world.shard()
    if replicas == 1:
        return init_device_mesh(device, (world.shard(),), mesh_dim_names=("shard",))
    return init_device_mesh(device, (replicas, world.shard()), mesh_dim_names=("replicate", "shard"))


def _without_weights(model: M) -> M:
    """The same structure, with parameters on the meta device. Buffers are shared."""
    empty: dict[int, Any] = {id(p): nn.Parameter(torch.empty_like(p, device="meta"), p.requires_grad) for p in model.parameters()}
    return copy.deepcopy(model, empty | {id(buffer): buffer for buffer in model.buffers()})


def _put(model: nn.Module, empty: Tensor, tensor: Tensor) -> None:
    """Replace a parameter without weights, wherever it is used: tied weights are one parameter under several names."""
    weight = nn.Parameter(tensor, requires_grad=empty.requires_grad)
    for module in model.modules():
        for own, parameter in list(module._parameters.items()):
            if parameter is empty:
                module._parameters[own] = weight
