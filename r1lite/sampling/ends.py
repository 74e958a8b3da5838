"""The tokens that end a completion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from r1lite.prompt import end_token

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def end_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """The tokenizer's end token, and those in the model's generation settings: chat models often have two."""
    configured = model.generation_config.eos_token_id if model.generation_config else None
    tokens = configured if isinstance(configured, list) else [configured]
    return frozenset({t for t in tokens if isinstance(t, int)} | {end_token(tokenizer)})
