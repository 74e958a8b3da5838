"""The model as the sampler runs it: the policy's own weights, laid out for decoding."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from r1lite.models.attention import use_grouped_attention
from r1lite.models.cpu.linear import SMALL, OneDnnLinear, Product, can_pack, is_plain_linear
from r1lite.models.replace import replace_modules
from r1lite.sampling.native.cache import SlotCache
from r1lite.sampling.native.cuda_graphs import RecordedStep, as_cuda_graphs
from r1lite.sampling.native.llama_step import LlamaStep, can_compile, is_llama_shaped

FLASH = ("flash_attention_2", "flash_attention_3")
MOST_PACKED_ROWS = 1024  # above, packing anew costs nothing beside the product

Step = Callable[[Tensor, SlotCache], Tensor]  # one more token a row, and the cache that grows by it -> logits


def decoder_of(model: Any, dtype: torch.dtype) -> Any:
    """The model's structure over again. Its weights are the very tensors of the model, or of another dtype copies."""

    def own(tensor: Tensor) -> Tensor:
        if not tensor.is_floating_point() or tensor.dtype == dtype:
            return tensor
        return nn.Parameter(tensor.detach().to(dtype), requires_grad=False)

    shared = {id(p): own(p) for p in model.parameters()} | {id(b): b for b in model.buffers()}
    decoder = copy.deepcopy(model, shared).eval()  # no layer of it recomputes anything
    replace_modules(decoder, lambda m: PackedLinear(m) if is_plain_linear(m) and can_pack(m.weight) else None)
    use_grouped_attention(decoder, FLASH)  # flash attention takes no mask, and here a row sees only what its slot holds
    return decoder


@contextmanager
def step_of(decoder: Any, *, eager: bool = True) -> Iterator[Step]:
    """How the decoder goes one token further. Packed copies of its weights are there while this lasts, and leave their room to
    training after it."""
    if decoder.device.type == "cuda" and not eager:
        yield RecordedStep(partial(own_forward, decoder), as_cuda_graphs())
    elif is_llama_shaped(decoder):
        yield LlamaStep(decoder, compiled=not eager and can_compile())
    else:
        with packed(decoder):
            yield partial(_own_step, decoder)


def _own_step(decoder: Any, tokens: Tensor, cache: SlotCache) -> Tensor:
    cache.before_step()
    logits = own_forward(decoder, tokens, cache)
    cache.after_step()
    return logits


def own_forward(decoder: Any, tokens: Tensor, cache: SlotCache) -> Tensor:
    """The model's own, for one token a row that the cache has room for."""
    mask, positions = cache.mask(decoder.dtype), cache.lengths[:, None]
    out = decoder(input_ids=tokens[:, None], attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True)
    return out.logits[:, -1]


class PackedLinear(OneDnnLinear):
    """A linear layer that multiplies few rows by a packed copy of its weight, where there is one."""

    product: Product | None = None

    def forward(self, input: Tensor) -> Tensor:
        rows = input.numel() // self.in_features
        if self.product is None or rows > MOST_PACKED_ROWS or rows * self.weight.numel() < SMALL:
            return super().forward(input)
        return self.product(input.reshape(rows, -1)).view(*input.shape[:-1], -1)


@contextmanager
def packed(decoder: Any) -> Iterator[None]:
    layers = [module for module in decoder.modules() if isinstance(module, PackedLinear)]
    for layer in layers:
        layer.product = Product(layer)
    try:
        yield
    finally:
        for layer in layers:
            layer.product = None
