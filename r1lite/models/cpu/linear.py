"""Matrix products on the CPU. There torch sends float32 products to MKL, which runs at half speed or less on some machines.

oneDNN, which torch carries too and uses for bfloat16, runs at full speed on all of them (bench.matrix_rate shows both). So linear
layers on the CPU go there in both directions. On other devices, and where torch lacks it, nothing changes.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

AVAILABLE = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
SMALL = 2**21  # multiplications: below, the call costs more than it saves
PACKED_ROWS = 64  # that the packed layout is chosen for


def by_onednn(model: Any) -> Any:
    """The same model; its linear layers multiply through oneDNN where that is the faster way."""
    for module in model.modules():
        if type(module) is nn.Linear and speaks(module.weight):
            module.__class__ = Linear
    return model


def speaks(weight: Tensor) -> bool:
    return AVAILABLE and weight.device.type == "cpu" and weight.dtype == torch.float32


def can_pack(weight: Tensor) -> bool:
    return AVAILABLE and weight.device.type == "cpu" and weight.dtype in (torch.float32, torch.bfloat16)


class Product:
    """Linear layers of the same input as one product, by a copy of their weights that is packed for few rows.

    A weight that is packed once for the matrix units is read faster than one that is packed in every product.
    """

    def __init__(self, *layers: nn.Linear) -> None:
        weight = _joined([layer.weight.detach() for layer in layers])
        self.bias = None if layers[0].bias is None else _joined([layer.bias.detach() for layer in layers])
        self.packed = torch.ops.mkldnn._reorder_linear_weight(weight, PACKED_ROWS)
        self.size = weight.numel()
        self.plain = weight if self.size < SMALL else None  # for so few rows that the call costs more than it saves

    def __call__(self, x: Tensor) -> Tensor:
        if self.plain is not None and len(x) * self.size < SMALL:
            return nn.functional.linear(x, self.plain, self.bias)
        return torch.ops.mkldnn._linear_pointwise(x, self.packed, self.bias, "none", [], "")


def _joined(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)


class Linear(nn.Linear):
    def forward(self, input: Tensor) -> Tensor:
        rows = input.numel() // self.in_features
        if not speaks(self.weight) or rows * self.weight.numel() < SMALL:
            return nn.functional.linear(input, self.weight, self.bias)
        if torch.is_grad_enabled():
            out: Any = _Linear.apply(input.reshape(rows, -1), self.weight, self.bias)  # pyright: ignore
        else:
            out = product(input.reshape(rows, -1), self.weight, self.bias)
        return out.view(*input.shape[:-1], -1)


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return product(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        (of_out,) = gradients
        for_x, for_weight, for_bias = ctx.needs_input_grad
        of_out = of_out.contiguous()
        return (
            product(of_out, weight.T) if for_x else None,
            transposed_product(of_out, x) if for_weight else None,
            of_out.sum(0) if for_bias else None,
        )


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x [M, K] times the transpose of weight [N, K]."""
    if not speaks(weight):
        return nn.functional.linear(x, weight, bias)
    return _opaque(x, weight, bias) if torch.compiler.is_compiling() else _onednn(x, weight, bias)


def transposed_product(a: Tensor, b: Tensor) -> Tensor:
    """The transpose of a [M, N] times b [M, K]."""
    return product(a.T, b.T) if speaks(a) else a.T @ b


def _onednn(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


@torch.library.custom_op("r1lite::product", mutates_args=())
def _opaque(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """The same for the compiler, which takes oneDNN's own operation only with weights that never change."""
    return _onednn(x, weight, bias)


@_opaque.register_fake
def _(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return x.new_empty(x.shape[0], weight.shape[0])
