"""One decoding step of a llama-shaped model on the CPU, in a third of the operations that transformers takes for it.

With one token a row, calls cost as much as arithmetic. So products of the same input are one product, both halves of
the rotation go through queries and keys together, and nothing is reshaped back and forth. What stands between the products can be compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from r1lite.console import say
from r1lite.models.adapters import has_adapters
from r1lite.models.attention import decode_attention
from r1lite.models.cpu.linear import Product, can_pack
from r1lite.models.cpu.recompute import LLAMA_SHAPED, rms_norm
from r1lite.sampling.native.cache import SlotCache, SlotLayer


def is_llama_shaped(model: Any) -> bool:
    """Whether this file computes what the model's own forward does. One with adapters has more in its layers."""
    if has_adapters(model) or getattr(model.config, "model_type", "") not in LLAMA_SHAPED:
        return False
    linear = [m for layer in model.base_model.layers for m in layer.modules() if isinstance(m, nn.Linear)]
    return all(can_pack(m.weight) for m in [*linear, model.lm_head])


class LlamaStep:
    """Holds packed copies of the weights, so it is made anew when they have changed."""

    def __init__(self, model: Any, *, compiled: bool = False) -> None:
        trunk = model.base_model
        act = trunk.layers[0].mlp.act_fn  # one for all: a compiler would take another module for another function
        parts = _Parts(_compiled(rms_norm), _compiled(rotated), _compiled(gated)) if compiled else _Parts(rms_norm, rotated, gated)
        self.embed, self.rotary, self.norm = trunk.embed_tokens, trunk.rotary_emb, _Norm(trunk.norm, parts)
        self.layers = [_Layer(layer, act, parts) for layer in trunk.layers]
        self.head = Product(model.lm_head)

    def __call__(self, tokens: Tensor, cache: SlotCache) -> Tensor:
        """The logits after one more token a row."""
        x = self.embed(tokens)
        cache.before_step()
        mask = cache.mask(x.dtype)
        cos, sin = self.rotary(x, cache.lengths[:, None])
        half = sin.shape[-1] // 2
        turn = cos, torch.cat((-sin[..., :half], sin[..., half:]), -1)
        for layer, held in zip(self.layers, cache.layers, strict=True):
            x = layer(x, turn, held, mask)
        cache.after_step()
        return self.head(self.norm(x))


@dataclass(frozen=True, slots=True)
class _Parts:
    """What stands between the products, as it is or compiled."""

    normed: Callable[..., Tensor]
    rotated: Callable[..., Tensor]
    gated: Callable[..., Tensor]


class _Layer:
    def __init__(self, layer: Any, act: Any, parts: _Parts) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self.act, self.parts = act, parts
        self.before, self.between = _Norm(layer.input_layernorm, parts), _Norm(layer.post_attention_layernorm, parts)
        self.qkv = Product(attention.q_proj, attention.k_proj, attention.v_proj)
        self.out, self.gate_up, self.down = Product(attention.o_proj), Product(mlp.gate_proj, mlp.up_proj), Product(mlp.down_proj)
        self.size, self.scaling = attention.head_dim, attention.scaling
        self.heads, self.shared = (p.out_features // self.size for p in (attention.q_proj, attention.k_proj))
        of_heads = ((attention.q_norm, self.heads), (attention.k_norm, self.shared)) if hasattr(attention, "q_norm") else ()
        self.of_heads = _Norm(attention.q_norm, parts, torch.cat([n.weight.expand(k, -1) for n, k in of_heads])) if of_heads else None

    def __call__(self, x: Tensor, turn: tuple[Tensor, Tensor], held: SlotLayer, mask: Tensor) -> Tensor:
        rows, turned = len(x), self.heads + self.shared
        heads = self.qkv(self.before(x)).view(rows, -1, self.size)
        asked = heads[:, :turned] if self.of_heads is None else self.of_heads(heads[:, :turned])
        asked = self.parts.rotated(asked, *turn)
        keys, values = held.update(asked[:, self.heads :, None], heads[:, turned:, None])
        queries = asked[:, : self.heads].reshape(rows, self.shared, -1, self.size)
        x = self.out(decode_attention(queries, keys, values, mask, self.scaling).reshape(rows, -1)).add_(x)
        return self.down(self.parts.gated(self.gate_up(self.between(x)), self.act)).add_(x)


class _Norm:
    """A norm with its own weight, or with those of several heads that go through it together."""

    def __init__(self, norm: Any, parts: _Parts, weight: Tensor | None = None) -> None:
        self.normed, self.weight, self.eps = parts.normed, norm.weight if weight is None else weight, norm.variance_epsilon

    def __call__(self, x: Tensor) -> Tensor:
        return self.normed(x, self.weight, self.eps)


def gated(gate_and_up: Tensor, act: Callable[[Tensor], Tensor]) -> Tensor:
    gate, up = gate_and_up.chunk(2, -1)
    return act(gate).mul_(up)


def rotated(x: Tensor, cos: Tensor, signed_sin: Tensor) -> Tensor:
    """x [rows, heads, size] by its row's position: both halves trade places, the second with its sign turned."""
    half = x.shape[-1] // 2
    return torch.addcmul(x * cos, torch.cat((x[..., half:], x[..., :half]), -1), signed_sin)


@cache
def can_compile() -> bool:
    """Whether torch can compile here; if not, a line says why, once."""
    try:
        _compiled(rms_norm)(torch.ones(2, 4), torch.ones(4), 1e-5)
    except Exception as error:  # no compiler, one that fails, a folder that cannot be written
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        say(f"sampler.eager=false: decoding goes on without compiled parts: {why}")
        return False
    return True


@cache
def _compiled(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return torch.compile(function, dynamic=True)
