"""The model as the sampler runs it: the policy's own weights, laid out for decoding.

A decoding step multiplies few rows by every weight. On the CPU a weight that is packed once for the matrix units is
read faster than one that is packed in every product, and attention that keeps query heads beside the key head they
share reads the cache once instead of copying it for each of them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from r1lite.models.linear import AVAILABLE, SMALL, Linear

GROUPED = "r1lite_grouped"
PACKED_ROWS = 64  # that the packed layout is chosen for
MOST_PACKED_ROWS = 1024  # above, packing anew costs nothing beside the product


def decoder_of(model: Any, dtype: torch.dtype) -> Any:
    """The model's structure over again. Its weights are the very tensors of the model, or of another dtype copies."""

    def own(tensor: Tensor) -> Tensor:
        if not tensor.is_floating_point() or tensor.dtype == dtype:
            return tensor
        return nn.Parameter(tensor.detach().to(dtype), requires_grad=False)

    shared = {id(p): own(p) for p in model.parameters()} | {id(b): b for b in model.buffers()}
    decoder = copy.deepcopy(model, shared).eval()  # no layer of it recomputes anything
    for module in decoder.modules():
        if type(module) in (nn.Linear, Linear) and can_pack(module.weight):
            module.__class__ = PackedLinear
        if getattr(getattr(module, "config", None), "_attn_implementation", "") == "sdpa":
            module.config._attn_implementation = GROUPED
    return decoder


def can_pack(weight: Tensor) -> bool:
    return AVAILABLE and weight.device.type == "cpu" and weight.dtype in (torch.float32, torch.bfloat16)


class PackedLinear(Linear):
    """A linear layer that multiplies few rows by a packed copy of its weight, where there is one."""

    copy: Tensor | None = None

    def pack(self) -> None:
        self.copy = torch.ops.mkldnn._reorder_linear_weight(self.weight.detach(), PACKED_ROWS)

    def forward(self, input: Tensor) -> Tensor:
        rows = input.numel() // self.in_features
        if self.copy is None or rows > MOST_PACKED_ROWS or rows * self.weight.numel() < SMALL:
            return super().forward(input)
        out = torch.ops.mkldnn._linear_pointwise(input.reshape(rows, -1), self.copy, self.bias, "none", [], "")
        return out.view(*input.shape[:-1], -1)


@contextmanager
def packed(decoder: Any) -> Iterator[None]:
    """The packed copies are there while this lasts, and leave their room to training after it."""
    layers = [module for module in decoder.modules() if isinstance(module, PackedLinear)]
    for layer in layers:
        layer.pack()
    try:
        yield
    finally:
        for layer in layers:
            layer.copy = None


def grouped_attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, scaling: float | None = None, **others: Any
) -> tuple[Tensor, None]:
    """One new token a row: the query heads that share a key head are its queries, and nothing is repeated."""
    rows, heads, tokens, _ = query.shape
    if tokens > 1 or attention_mask is None:
        out, _ = sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **others)
        return out, None
    together = query.reshape(rows, key.shape[1], heads // key.shape[1], -1)
    if query.device.type == "cpu" and query.dtype == torch.float32:  # here three plain operations take half the time
        scores = torch.matmul(together * (scaling or query.shape[-1] ** -0.5), key.transpose(-1, -2)).add_(attention_mask)
        out = torch.matmul(scores.softmax(-1), value)
    else:
        out = nn.functional.scaled_dot_product_attention(together, key, value, attn_mask=attention_mask, scale=scaling)
    return out.reshape(rows, 1, heads, -1), None


AttentionInterface.register(GROUPED, grouped_attention)
AttentionMaskInterface.register(GROUPED, sdpa_mask)
