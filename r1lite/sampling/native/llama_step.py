"""A decoding step of a llama-shaped model on the CPU, in a third of the operations that transformers needs.

With one token per row, calls of operators cost as much as arithmetic. So products of the same input are computed as one, queries
and keys are rotated together, and tensors are not reshaped back and forth. The operations between the products can be compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor, nn

from r1lite.console import say
from r1lite.models.adapters import has_adapters
from r1lite.models.attention import decode_attention
from r1lite.models.cpu.linear import Product, can_pack
from r1lite.models.cpu.recompute import LLAMA_SHAPED, rms_norm
from r1lite.sampling.native.cache import SlotCache, SlotLayer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Activation = Callable[[Tensor], Tensor]


def is_llama_shaped(model: PreTrainedModel) -> bool:
    """Whether LlamaStep computes the same function as the model. A model with adapters computes more."""
    if has_adapters(model) or getattr(model.config, "model_type", "") not in LLAMA_SHAPED:
        return False
    trunk, head = _parts(model)
    linear = [m for layer in trunk.layers for m in layer.modules() if isinstance(m, nn.Linear)]
    return all(can_pack(m.weight) for m in [*linear, head])


class LlamaStep:
    """A decoding step with packed copies of the weights. Make a new one when the weights have changed."""

    def __init__(self, model: PreTrainedModel, *, compiled: bool = False) -> None:
        trunk, head = _parts(model)
        act = trunk.layers[0].mlp.act_fn  # one for all layers: a compiler would treat each module as a new function
        ops = _Pointwise(_compiled(rms_norm), _compiled(rotate), _compiled(glu)) if compiled else _Pointwise(rms_norm, rotate, glu)
        self.embed, self.rotary, self.norm = trunk.embed_tokens, trunk.rotary_emb, _Norm(trunk.norm, ops)
        self.layers = [_Layer(layer, act, ops) for layer in trunk.layers]
        self.head = Product(head)

    def __call__(self, tokens: Tensor, cache: SlotCache) -> Tensor:
        """The logits after one more token per row."""
        x = self.embed(tokens)
        cache.before_step()
        mask = cache.mask(x.dtype)
        cos, sin = self.rotary(x, cache.lengths[:, None])
        half = sin.shape[-1] // 2
        rotation = cos, torch.cat((-sin[..., :half], sin[..., half:]), -1)
        for layer, layer_cache in zip(self.layers, cache.layers, strict=True):
            x = layer(x, rotation, layer_cache, mask)
        cache.after_step()
        return self.head(self.norm(x))


@dataclass(frozen=True, slots=True)
class _Pointwise:
    """The operations between the products, compiled or not."""

    rms_norm: Callable[..., Tensor]
    rotate: Callable[..., Tensor]
    glu: Callable[..., Tensor]


class _Layer:
    def __init__(self, layer: Any, act: Activation, ops: _Pointwise) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self.act, self.ops = act, ops
        self.attention_norm, self.mlp_norm = _Norm(layer.input_layernorm, ops), _Norm(layer.post_attention_layernorm, ops)
        self.qkv = Product(attention.q_proj, attention.k_proj, attention.v_proj)
        self.out, self.gate_up, self.down = Product(attention.o_proj), Product(mlp.gate_proj, mlp.up_proj), Product(mlp.down_proj)
        self.size, self.scaling = attention.head_dim, attention.scaling
        self.heads, self.kv_heads = (p.out_features // self.size for p in (attention.q_proj, attention.k_proj))
        norms = ((attention.q_norm, self.heads), (attention.k_norm, self.kv_heads)) if hasattr(attention, "q_norm") else ()
        # Queries and keys are normalised together, each head with its own weight.
        self.head_norm = _Norm(attention.q_norm, ops, torch.cat([n.weight.expand(k, -1) for n, k in norms])) if norms else None

    def __call__(self, x: Tensor, rotation: tuple[Tensor, Tensor], cache: SlotLayer, mask: Tensor) -> Tensor:
        rows, rotated_heads = len(x), self.heads + self.kv_heads
        heads = self.qkv(self.attention_norm(x)).view(rows, -1, self.size)
        queries_keys = heads[:, :rotated_heads] if self.head_norm is None else self.head_norm(heads[:, :rotated_heads])
        queries_keys = self.ops.rotate(queries_keys, *rotation)
        keys, values = cache.update(queries_keys[:, self.heads :, None], heads[:, rotated_heads:, None])
        queries = queries_keys[:, : self.heads].reshape(rows, self.kv_heads, -1, self.size)
        x = self.out(decode_attention(queries, keys, values, mask, self.scaling).reshape(rows, -1)).add_(x)
        return self.down(self.ops.glu(self.gate_up(self.mlp_norm(x)), self.act)).add_(x)


class _RMSNorm(Protocol):
    """What is read of a norm of transformers."""

    weight: Tensor
    variance_epsilon: float


class _Norm:
    """A norm with its own weight, or with another one."""

    def __init__(self, norm: _RMSNorm, ops: _Pointwise, weight: Tensor | None = None) -> None:
        self.rms_norm, self.weight, self.eps = ops.rms_norm, norm.weight if weight is None else weight, norm.variance_epsilon

    def __call__(self, x: Tensor) -> Tensor:
        return self.rms_norm(x, self.weight, self.eps)


def _parts(model: Any) -> tuple[Any, nn.Linear]:
    """The trunk and the output head, under the names of llama."""
    return model.base_model, model.lm_head


def glu(gate_and_up: Tensor, act: Activation) -> Tensor:
    """A gated linear unit, after the product with both weights."""
    gate, up = gate_and_up.chunk(2, -1)
    return act(gate).mul_(up)


def rotate(x: Tensor, cos: Tensor, signed_sin: Tensor) -> Tensor:
    """Rotary embedding of x [rows, heads, size]. The first half of `signed_sin` is negated, so the halves of x are only swapped."""
    half = x.shape[-1] // 2
    return torch.addcmul(x * cos, torch.cat((x[..., half:], x[..., :half]), -1), signed_sin)


@cache
def can_compile() -> bool:
    """Whether torch.compile works on this machine. If not, prints the reason once."""
    try:
        _compiled(rms_norm)(torch.ones(2, 4), torch.ones(4), 1e-5)
    except Exception as error:  # no compiler, a compiler that fails, a folder that is not writable
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        say(f"sampler.eager=false: torch.compile does not work here, so decoding runs without it: {why}")
        return False
    return True


@cache
def _compiled(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return torch.compile(function, dynamic=True)
