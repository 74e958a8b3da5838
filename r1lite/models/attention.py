"""Attention in which query heads share their key head as it is; transformers would repeat it for each of them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

GROUPED = "r1lite_grouped"


def by_groups(model: Any, others: tuple[str, ...] = ()) -> Any:
    """The same model, if it runs torch's attention or one of the others. Its configuration does not remember: a folder that is
    saved loads anywhere."""
    for module in model.modules():
        config: Any = getattr(module, "config", None)
        if getattr(config, "_attn_implementation", "") in ("sdpa", *others):
            config._attn_implementation = GROUPED
    return model


def takes_masks(model: Any) -> bool:
    """Whether a mask may say for every query what it sees."""
    return model.config._attn_implementation in ("sdpa", GROUPED)


def narrow_layers(model: Any) -> str:
    """What kinds of layers there are that do not see everything; empty where all do."""
    kinds = set(getattr(model.config, "layer_types", None) or ())
    if not kinds and getattr(model.config, "sliding_window", None):  # older models say it for all layers at once
        kinds = {f"sliding_attention (over {model.config.sliding_window} tokens)"}
    return ", ".join(sorted(kinds - {"full_attention"}))


def grouped_attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, scaling: float | None = None, **others: Any
) -> tuple[Tensor, None]:
    """As transformers calls it: queries [rows, heads, tokens, size], keys and values of as many heads or fewer."""
    rows, heads, tokens, size = query.shape
    scale = size**-0.5 if scaling is None else scaling
    if attention_mask is None or others.get("position_bias") is not None or (tokens > 1 and query.device.type != "cpu"):
        # On a GPU, a mask and shared heads together would leave torch no kernel but its slowest.
        out, _ = sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **others)
        return out, None
    if tokens == 1:
        together = query.reshape(rows, key.shape[1], heads // key.shape[1], size)
        return attended(together, key, value, attention_mask, scale).reshape(rows, 1, heads, size), None
    dropout = others.get("dropout", 0.0)
    out = nn.functional.scaled_dot_product_attention(query, key, value, attention_mask, dropout, scale=scale, enable_gqa=True)
    return out.transpose(1, 2).contiguous(), None


def attended(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor, scaling: float) -> Tensor:
    """One new token a row over a cache. Queries [rows, shared, heads of each, size] lie beside the key head that they share."""
    if queries.device.type != "cpu":
        return nn.functional.scaled_dot_product_attention(queries, keys, values, attn_mask=mask, scale=scaling)
    # Here three plain operations take half the time of the fused one, which is made for many queries.
    scores = torch.matmul(queries * scaling, keys.transpose(-1, -2)).add_(mask)
    return torch.matmul(scores.softmax(-1), values)


AttentionInterface.register(GROUPED, grouped_attention)
AttentionMaskInterface.register(GROUPED, sdpa_mask)
