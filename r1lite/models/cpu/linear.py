"""Linear layers on the CPU through oneDNN instead of MKL.

torch sends float32 products on the CPU to MKL, which runs at half speed or less on some machines. oneDNN, which torch also
contains and uses for bfloat16, runs at full speed on all of them (measure with bench.matrix_rate). Other devices, other
dtypes, distributed tensors and torch builds without oneDNN keep torch's own path.
"""

from __future__ import annotations

from typing import TypeGuard

import torch
from torch import Tensor, nn

from r1lite.models.autograd import Context
from r1lite.models.replace import replace_modules

AVAILABLE = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
SMALL = 2**21  # multiplications; below this, the call costs more than it saves
PACKED_ROWS = 64  # the number of rows that the packed layout is optimised for


def use_onednn(model: nn.Module) -> None:
    """Replace the model's linear layers by layers that multiply through oneDNN where that is faster."""
    replace_modules(model, lambda m: OneDnnLinear(m) if type(m) is nn.Linear and takes_onednn(m.weight) else None)


def takes_onednn(weight: Tensor) -> bool:
    return AVAILABLE and weight.device.type == "cpu" and weight.dtype == torch.float32 and is_plain(weight)


def can_pack(weight: Tensor) -> bool:
    return AVAILABLE and weight.device.type == "cpu" and weight.dtype in (torch.float32, torch.bfloat16) and is_plain(weight)


def is_plain(tensor: Tensor) -> bool:
    """False for subclasses such as DTensor, which have no oneDNN operations."""
    return type(tensor) in (Tensor, nn.Parameter)


def is_plain_linear(module: nn.Module | None) -> TypeGuard[nn.Linear]:
    """False for subclasses, which may compute more: adapters, layers that are sharded one by one."""
    return type(module) in (nn.Linear, OneDnnLinear)


class Product:
    """One product for all linear layers of the same input, with a copy of their weights packed for few rows.

    A weight that is packed once for the matrix units is read faster than one that every product packs again.
    """

    def __init__(self, *layers: nn.Linear) -> None:
        weight = _concatenated([layer.weight.detach() for layer in layers])
        self.bias = None if layers[0].bias is None else _concatenated([layer.bias.detach() for layer in layers])
        self.packed = torch.ops.mkldnn._reorder_linear_weight(weight, PACKED_ROWS)
        self.size = weight.numel()
        self.plain = weight if self.size < SMALL else None  # for products below SMALL

    def __call__(self, x: Tensor) -> Tensor:
        if self.plain is not None and len(x) * self.size < SMALL:
            return nn.functional.linear(x, self.plain, self.bias)
        return torch.ops.mkldnn._linear_pointwise(x, self.packed, self.bias, "none", [], "")


def _concatenated(tensors: list[Tensor]) -> Tensor:
    return tensors[0] if len(tensors) == 1 else torch.cat(tensors)


class OneDnnLinear(nn.Linear):
    """A linear layer that takes over the parameters of another."""

    def __init__(self, layer: nn.Linear) -> None:
        nn.Module.__init__(self)  # nn.Linear's own would allocate and initialise new weights
        self.in_features, self.out_features = layer.in_features, layer.out_features
        self.weight = layer.weight
        if layer.bias is None:
            self.register_parameter("bias", None)
        else:
            self.bias = layer.bias
        self.train(layer.training)

    def forward(self, input: Tensor) -> Tensor:
        rows = input.numel() // self.in_features
        if not takes_onednn(self.weight) or rows * self.weight.numel() < SMALL:
            return nn.functional.linear(input, self.weight, self.bias)
        if torch.is_grad_enabled():
            out: Tensor = _LinearFunction.apply(input.reshape(rows, -1), self.weight, self.bias)
        else:
            out = product(input.reshape(rows, -1), self.weight, self.bias)
        return out.view(*input.shape[:-1], -1)


class _LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Context, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return product(x, weight, bias)

    @staticmethod
    def backward(ctx: Context, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        need_x, need_weight, need_bias = ctx.needs_input_grad
        grad_out = gradients[0].contiguous()
        return (
            product(grad_out, weight.T) if need_x else None,
            transposed_product(grad_out, x) if need_weight else None,
            grad_out.sum(0) if need_bias else None,
        )


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x [M, K] times the transpose of weight [N, K]."""
    if not takes_onednn(weight):
        return nn.functional.linear(x, weight, bias)
    return _opaque(x, weight, bias) if torch.compiler.is_compiling() else _onednn(x, weight, bias)


def transposed_product(a: Tensor, b: Tensor) -> Tensor:
    """The transpose of a [M, N] times b [M, K]."""
    return product(a.T, b.T) if takes_onednn(a) else a.T @ b


def _onednn(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


@torch.library.custom_op("r1lite::product", mutates_args=())
def _opaque(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """The same product as an operation that torch.compile does not look into: it takes oneDNN's own only with constant weights."""
    return _onednn(x, weight, bias)


@_opaque.register_fake
def _(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return x.new_empty(x.shape[0], weight.shape[0])
