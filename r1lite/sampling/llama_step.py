"""One decoding step of a llama-shaped model on the CPU, in a third of the operations that transformers takes for it.

With one token a row, calls cost as much as arithmetic. So products of the same input are one product, both halves of
the rotation go through queries and keys together, and nothing is reshaped back and forth.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from r1lite.models.adapters import has_adapters
from r1lite.models.attention import attended
from r1lite.models.lean import LLAMA_SHAPED
from r1lite.models.linear import Product, can_pack
from r1lite.sampling.cache import SlotCache, SlotLayer


def is_llama_shaped(model: Any) -> bool:
    """Whether this file computes what the model's own forward does. One with adapters has more in its layers."""
    if has_adapters(model) or getattr(model.config, "model_type", "") not in LLAMA_SHAPED:
        return False
    linear = [m for layer in model.base_model.layers for m in layer.modules() if isinstance(m, nn.Linear)]
    return all(can_pack(m.weight) for m in [*linear, model.lm_head])


class LlamaStep:
    """Holds packed copies of the weights, so it is made anew when they have changed."""

    def __init__(self, model: Any) -> None:
        trunk = model.base_model
        self.embed, self.rotary, self.norm = trunk.embed_tokens, trunk.rotary_emb, trunk.norm
        self.layers = [_Layer(layer) for layer in trunk.layers]
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


class _Layer:
    def __init__(self, layer: Any) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self.before, self.between, self.act = layer.input_layernorm, layer.post_attention_layernorm, mlp.act_fn
        self.qkv = Product(attention.q_proj, attention.k_proj, attention.v_proj)
        self.out, self.gate_up, self.down = Product(attention.o_proj), Product(mlp.gate_proj, mlp.up_proj), Product(mlp.down_proj)
        self.size, self.scaling = attention.head_dim, attention.scaling
        self.heads, self.shared = (p.out_features // self.size for p in (attention.q_proj, attention.k_proj))
        self.of_heads = _HeadNorm(attention.q_norm, attention.k_norm, self.heads, self.shared) if hasattr(attention, "q_norm") else None

    def __call__(self, x: Tensor, turn: tuple[Tensor, Tensor], held: SlotLayer, mask: Tensor) -> Tensor:
        rows, turned = len(x), self.heads + self.shared
        heads = self.qkv(self.before(x)).view(rows, -1, self.size)
        asked = heads[:, :turned] if self.of_heads is None else self.of_heads(heads[:, :turned])
        asked = rotated(asked, *turn)
        keys, values = held.update(asked[:, self.heads :, None], heads[:, turned:, None])
        queries = asked[:, : self.heads].reshape(rows, self.shared, -1, self.size)
        x = self.out(attended(queries, keys, values, mask, self.scaling).reshape(rows, -1)).add_(x)
        gate, up = self.gate_up(self.between(x)).chunk(2, -1)
        return self.down(self.act(gate).mul_(up)).add_(x)


class _HeadNorm:
    """The norms of queries and keys, each head by itself, in one go."""

    def __init__(self, of_query: Any, of_key: Any, heads: int, shared: int) -> None:
        self.weight = torch.cat([of_query.weight.expand(heads, -1), of_key.weight.expand(shared, -1)])
        self.eps = of_query.variance_epsilon

    def __call__(self, x: Tensor) -> Tensor:
        wide = x.float()
        return self.weight * (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)).to(x.dtype)


def rotated(x: Tensor, cos: Tensor, signed_sin: Tensor) -> Tensor:
    """x [rows, heads, size] by its row's position: both halves trade places, the second with its sign turned."""
    half = x.shape[-1] // 2
    return torch.addcmul(x * cos, torch.cat((x[..., half:], x[..., :half]), -1), signed_sin)
