"""Layers that keep little for the backward pass and make the rest of it anew.

A gated feed-forward part as torch runs it keeps four wide tensors a layer, a norm three narrow ones: together more than all
else. Here the part keeps two and the norm its input, so a step takes less memory, and less time where memory is slow.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from r1lite.models.cpu.linear import SMALL, Linear, product, transposed_product

LLAMA_SHAPED = ("llama", "qwen2", "qwen3")  # model types whose parts are of this very shape


def leaner(model: Any) -> Any:
    """The same model on the CPU; on other devices nothing changes."""
    if model.device.type != "cpu" or getattr(model.config, "model_type", "") not in LLAMA_SHAPED:
        return model
    for module in model.modules():
        if model.config.hidden_act == "silu" and _is_gated(module):
            module.__class__ = Gated
        elif type(module).__name__.endswith("RMSNorm"):
            module.__class__ = Norm
    return model


def _is_gated(module: nn.Module) -> bool:
    return all(_is_plain(getattr(module, name, None)) for name in ("gate_proj", "up_proj", "down_proj"))


def _is_plain(layer: Any) -> bool:
    """An adapter, which is put in a layer's place later, has more to compute."""
    return type(layer) in (nn.Linear, Linear) and layer.bias is None


def _can_be_lean() -> bool:
    """Sampling keeps nothing as it is, and a compiler decides by itself."""
    return torch.is_grad_enabled() and not torch.compiler.is_compiling()


class Gated(nn.Module):
    """down(silu(gate(x)) * up(x))"""

    gate_proj: nn.Linear
    up_proj: nn.Linear
    down_proj: nn.Linear

    def forward(self, x: Tensor) -> Tensor:
        layers = (self.gate_proj, self.up_proj, self.down_proj)
        if not _can_be_lean() or not all(map(_is_plain, layers)) or x.numel() * layers[0].out_features < SMALL:
            return self.down_proj(nn.functional.silu(self.gate_proj(x)) * self.up_proj(x))
        out: Any = _Gated.apply(x.reshape(-1, x.shape[-1]), *(layer.weight for layer in layers))  # pyright: ignore
        return out.view(x.shape)


class _Gated(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, gate: Tensor, up: Tensor, down: Tensor) -> Tensor:
        gated, raised = product(x, gate), product(x, up)
        ctx.save_for_backward(x, gated, raised, gate, up, down)
        return product(nn.functional.silu(gated).mul_(raised), down)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, gated, raised, gate, up, down = ctx.saved_tensors
        for_x, for_gate, for_up, for_down = ctx.needs_input_grad
        of_out = gradients[0].contiguous()
        of_inner = product(of_out, down.T)
        inner = nn.functional.silu(gated)
        of_raised = of_inner * inner
        of_down = transposed_product(of_out, inner.mul_(raised)) if for_down else None
        del inner
        of_gated = torch.ops.aten.silu_backward(of_inner.mul_(raised), gated)
        of_x = product(of_raised, up.T).add_(product(of_gated, gate.T)) if for_x else None
        return (
            of_x,
            transposed_product(of_gated, x) if for_gate else None,
            transposed_product(of_raised, x) if for_up else None,
            of_down,
        )


class Norm(nn.Module):
    """weight * x / sqrt(mean(x ** 2) + eps), the quotient taken in float32"""

    weight: nn.Parameter
    variance_epsilon: float

    def forward(self, x: Tensor) -> Tensor:
        if _can_be_lean() and x.dtype == torch.float32:
            out: Any = _Norm.apply(x, self.weight, self.variance_epsilon)  # pyright: ignore
            return out
        return normed(x, self.weight, self.variance_epsilon)


def normed(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    wide = x.float()
    return weight * (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps)).to(x.dtype)


class _Norm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        share = torch.rsqrt(x.square().mean(-1, keepdim=True).add_(eps))
        ctx.save_for_backward(x, weight, share)
        return (x * share).mul_(weight)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, share = ctx.saved_tensors
        for_x, for_weight, _ = ctx.needs_input_grad
        (of_out,) = gradients
        normed = x * share
        of_weight = (of_out * normed).flatten(0, -2).sum(0) if for_weight else None
        if not for_x:
            return None, of_weight, None
        of_normed = of_out * weight
        along = (of_normed * normed).mean(-1, keepdim=True)
        return of_normed.sub_(normed.mul_(along)).mul_(share), of_weight, None
