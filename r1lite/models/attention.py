"""Grouped-query attention without copies: query heads share a key head, where transformers would repeat it for each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

if TYPE_CHECKING:
    from transformers import PreTrainedModel

GROUPED = "r1lite_grouped"


def use_grouped_attention(model: nn.Module, others: tuple[str, ...] = ()) -> None:
    """Switch a model from torch's attention, or from one of the `others`, to grouped attention.

    The setting is not saved with the model's configuration, so a saved folder loads without r1lite.
    """
    for module in model.modules():
        config: Any = getattr(module, "config", None)
        if getattr(config, "_attn_implementation", "") in ("sdpa", *others):
            config._attn_implementation = GROUPED


def takes_masks(model: PreTrainedModel) -> bool:
    """Whether attention accepts a mask that says for each query which keys it sees."""
    return model.config._attn_implementation in ("sdpa", GROUPED)


def layers_without_full_attention(model: PreTrainedModel) -> str:
    """The kinds of layers that do not attend to all earlier tokens; empty where all layers do."""
    kinds = set(getattr(model.config, "layer_types", None) or ())
    window = getattr(model.config, "sliding_window", None)
    if not kinds and window:  # older models have one setting for all layers
        kinds = {f"sliding_attention (over {window} tokens)"}
    return ", ".join(sorted(kinds - {"full_attention"}))


def grouped_attention(
    module: nn.Module,
    query: Tensor,  # [rows, heads, tokens, size]
    key: Tensor,  # of as many heads or fewer
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """The signature is the one that transformers calls."""
    rows, heads, tokens, size = query.shape
    scale = size**-0.5 if scaling is None else scaling
    if attention_mask is None or others.get("position_bias") is not None or (tokens > 1 and query.device.type != "cpu"):
        # On a GPU, a mask together with shared heads leaves torch only its slowest kernel.
        out, _ = sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **others)
        return out, None
    if tokens == 1:
        grouped = query.reshape(rows, key.shape[1], heads // key.shape[1], size)
        return decode_attention(grouped, key, value, attention_mask, scale).reshape(rows, 1, heads, size), None
    dropout = others.get("dropout", 0.0)
    out = nn.functional.scaled_dot_product_attention(query, key, value, attention_mask, dropout, scale=scale, enable_gqa=True)
    return out.transpose(1, 2).contiguous(), None


def decode_attention(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor, scaling: float) -> Tensor:
    """One new token a row over a cache. Queries are [rows, key heads, query heads of each, size].

    The mask is added to the scores, or says which keys are seen.
    """
    if queries.device.type != "cpu":
        return nn.functional.scaled_dot_product_attention(queries, keys, values, attn_mask=mask, scale=scaling)
    # Three plain operations take half the time of the fused one, which is built for many queries.
    scores = torch.matmul(queries * scaling, keys.transpose(-1, -2))
    scores = scores.masked_fill_(~mask, -torch.inf) if mask.dtype == torch.bool else scores.add_(mask)
    return torch.matmul(scores.softmax(-1), values)


AttentionInterface.register(GROUPED, grouped_attention)
AttentionMaskInterface.register(GROUPED, sdpa_mask)
