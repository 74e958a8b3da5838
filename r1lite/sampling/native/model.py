"""The model as the sampler runs it: a structure of its own, over the policy's parameters."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from r1lite.models.attention import use_grouped_attention
from r1lite.models.cpu.linear import SMALL, OneDnnLinear, Product, can_pack, is_plain_linear
from r1lite.models.replace import replace_modules
from r1lite.sampling.native.cache import SlotCache
from r1lite.sampling.native.cuda_graphs import RecordedStep, cuda_graph_recorder
from r1lite.sampling.native.llama_step import LlamaStep, can_compile, is_llama_shaped

if TYPE_CHECKING:
    from transformers import PreTrainedModel

FLASH = ("flash_attention_2", "flash_attention_3")
MAX_PACKED_ROWS = 1024  # with more rows, packing the weight for each product costs little in comparison

Step = Callable[[Tensor, SlotCache], Tensor]  # the newest token of each row, and the cache to add it to -> logits


def make_decoder(model: PreTrainedModel, dtype: torch.dtype) -> PreTrainedModel:
    """A copy of the model's structure that shares the model's parameters; in another dtype, it has copies of them."""

    def as_dtype(tensor: Tensor) -> Tensor:
        if not tensor.is_floating_point() or tensor.dtype == dtype:
            return tensor
        return nn.Parameter(tensor.detach().to(dtype), requires_grad=False)

    shared = {id(p): as_dtype(p) for p in model.parameters()} | {id(b): b for b in model.buffers()}
    decoder = copy.deepcopy(model, shared).eval()  # eval() also turns off gradient checkpointing
    replace_modules(decoder, lambda m: PackedLinear(m) if is_plain_linear(m) and can_pack(m.weight) else None)
    use_grouped_attention(decoder, FLASH)  # flash attention takes no mask, and here a row sees only what its slot holds
    return decoder


@contextmanager
def decoding_step(decoder: PreTrainedModel, *, eager: bool = True) -> Iterator[Step]:
    """The fastest way to decode one token per row. Packed copies of the weights exist only inside the context, so that training
    has their memory afterwards."""
    if decoder.device.type == "cuda" and not eager:
        yield RecordedStep(partial(model_forward, decoder), cuda_graph_recorder())
    elif is_llama_shaped(decoder):
        yield LlamaStep(decoder, compiled=not eager and can_compile())
    else:
        with packed_weights(decoder):
            yield partial(_model_step, decoder)


def _model_step(decoder: PreTrainedModel, tokens: Tensor, cache: SlotCache) -> Tensor:
    cache.before_step()
    logits = model_forward(decoder, tokens, cache)
    cache.after_step()
    return logits


def model_forward(decoder: PreTrainedModel, tokens: Tensor, cache: SlotCache) -> Tensor:
    """The forward pass of transformers for one token per row, for which the cache must have room."""
    mask, positions = cache.mask(decoder.dtype), cache.lengths[:, None]
    out = decoder(input_ids=tokens[:, None], attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True)
    return out.logits[:, -1]


class PackedLinear(OneDnnLinear):
    """A linear layer that multiplies few rows by a packed copy of its weight while there is one."""

    product: Product | None = None

    def forward(self, input: Tensor) -> Tensor:
        rows = input.numel() // self.in_features
        if self.product is None or rows > MAX_PACKED_ROWS or rows * self.weight.numel() < SMALL:
            return super().forward(input)
        return self.product(input.reshape(rows, -1)).view(*input.shape[:-1], -1)


@contextmanager
def packed_weights(decoder: nn.Module) -> Iterator[None]:
    """Give the decoder's linear layers packed copies of their weights, inside the context."""
    layers = [module for module in decoder.modules() if isinstance(module, PackedLinear)]
    for layer in layers:
        layer.product = Product(layer)
    try:
        yield
    finally:
        for layer in layers:
            layer.product = None
