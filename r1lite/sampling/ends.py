"""The tokens that end a completion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from r1lite.prompt import end_token

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def end_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Every token that the model's own settings call an end: chat models often have two."""
    configured = model.generation_config.eos_token_id if model.generation_config else None
    several = configured if isinstance(configured, list) else [configured]
    return frozenset({t for t in several if isinstance(t, int)} | {end_token(tokenizer)})
