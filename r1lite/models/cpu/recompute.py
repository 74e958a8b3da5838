"""Layers that save little for the backward pass and recompute the rest.

In torch, a gated MLP saves four wide tensors per layer and an RMS norm three narrow ones: together more than everything else.
Here the MLP saves two and the norm its input, so a step takes less memory, and less time where memory is slow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from r1lite.models.autograd import Context
from r1lite.models.cpu.linear import SMALL, is_plain, is_plain_linear, product, transposed_product
from r1lite.models.replace import replace_modules

if TYPE_CHECKING:
    from transformers import PreTrainedModel

LLAMA_SHAPED = ("llama", "qwen2", "qwen3")  # model types with exactly this MLP and this norm


def use_recomputing_layers(model: PreTrainedModel) -> None:
    """Replace MLPs and norms of a llama-shaped model on the CPU; other models and devices stay as they are."""
    if model.device.type != "cpu" or getattr(model.config, "model_type", "") not in LLAMA_SHAPED:
        return
    gated = getattr(model.config, "hidden_act", "") == "silu"

    def replacement(module: nn.Module) -> nn.Module | None:
        if gated and _is_gated(module):
            return GatedMLP(module)
        return RMSNorm(module) if type(module).__name__.endswith("RMSNorm") else None

    replace_modules(model, replacement)


def _is_gated(module: nn.Module) -> bool:
    return all(_is_one_product(getattr(module, name, None)) for name in ("gate_proj", "up_proj", "down_proj"))


def _is_one_product(layer: nn.Module | None) -> bool:
    """False for a layer with a bias, an adapter in the layer's place, a weight that is split over ranks."""
    return is_plain_linear(layer) and layer.bias is None and is_plain(layer.weight)


def _recomputes() -> bool:
    """Sampling saves nothing anyway, and a compiler decides by itself what to recompute."""
    return torch.is_grad_enabled() and not torch.compiler.is_compiling()


class GatedMLP(nn.Module):
    """down(silu(gate(x)) * up(x)), with the layers of another MLP."""

    def __init__(self, mlp: Any) -> None:
        super().__init__()
        self.gate_proj: nn.Linear = mlp.gate_proj
        self.up_proj: nn.Linear = mlp.up_proj
        self.down_proj: nn.Linear = mlp.down_proj
        self.act_fn: nn.Module = mlp.act_fn
        self.train(mlp.training)

    def forward(self, x: Tensor) -> Tensor:
        layers = (self.gate_proj, self.up_proj, self.down_proj)
        if not _recomputes() or not all(map(_is_one_product, layers)) or x.numel() * layers[0].out_features < SMALL:
            return self.down_proj(nn.functional.silu(self.gate_proj(x)) * self.up_proj(x))
        out: Tensor = _GatedFunction.apply(x.reshape(-1, x.shape[-1]), *(layer.weight for layer in layers))
        return out.view(x.shape)


class _GatedFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Context, x: Tensor, gate: Tensor, up: Tensor, down: Tensor) -> Tensor:
        gated, raised = product(x, gate), product(x, up)
        ctx.save_for_backward(x, gated, raised, gate, up, down)
        return product(nn.functional.silu(gated).mul_(raised), down)

    @staticmethod
    def backward(ctx: Context, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, gated, raised, gate, up, down = ctx.saved_tensors
        need_x, need_gate, need_up, need_down = ctx.needs_input_grad
        grad_out = gradients[0].contiguous()
        grad_inner = product(grad_out, down.T)
        inner = nn.functional.silu(gated)
        grad_raised = grad_inner * inner
        grad_down = transposed_product(grad_out, inner.mul_(raised)) if need_down else None
        del inner
        grad_gated = torch.ops.aten.silu_backward(grad_inner.mul_(raised), gated)
        grad_x = product(grad_raised, up.T).add_(product(grad_gated, gate.T)) if need_x else None
        return (
            grad_x,
            transposed_product(grad_gated, x) if need_gate else None,
            transposed_product(grad_raised, x) if need_up else None,
            grad_down,
        )


class RMSNorm(nn.Module):
    """weight * x / sqrt(mean(x ** 2) + eps), normalised in float32, with the weight of another norm."""

    def __init__(self, norm: Any) -> None:
        super().__init__()
        self.weight: nn.Parameter = norm.weight
        self.variance_epsilon: float = norm.variance_epsilon
        self.train(norm.training)

    def forward(self, x: Tensor) -> Tensor:
        if _recomputes() and x.dtype == torch.float32 and is_plain(self.weight):
            out: Tensor = _NormFunction.apply(x, self.weight, self.variance_epsilon)
            return out
        return rms_norm(x, self.weight, self.variance_epsilon)


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    wide = x.float()
    return weight * (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps)).to(x.dtype)


class _NormFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Context, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        scale = torch.rsqrt(x.square().mean(-1, keepdim=True).add_(eps))
        ctx.save_for_backward(x, weight, scale)
        return (x * scale).mul_(weight)

    @staticmethod
    def backward(ctx: Context, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, scale = ctx.saved_tensors
        need_x, need_weight, _ = ctx.needs_input_grad
        grad_out = gradients[0]
        normed = x * scale
        grad_weight = (grad_out * normed).flatten(0, -2).sum(0) if need_weight else None
        if not need_x:
            return None, grad_weight, None
        grad_normed = grad_out * weight
        along = (grad_normed * normed).mean(-1, keepdim=True)
        return grad_normed.sub_(normed.mul_(along)).mul_(scale), grad_weight, None
