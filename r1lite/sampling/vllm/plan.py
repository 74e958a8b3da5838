"""The options that a vLLM engine must be started with for a model."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from r1lite.config import SamplerConfig
from r1lite.models.adapters import has_adapters
from r1lite.models.pretrained import dtype_of

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What an engine is started with. Models with the same key can share an engine."""

    config: PreTrainedConfig
    tokenizer: PreTrainedTokenizerBase
    dtype: torch.dtype
    cfg: SamplerConfig
    longest: int
    rank: int  # of the adapters for which it is started; 0 for none
    key: str


def plan_for(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, cfg: SamplerConfig, longest: int, rank: int) -> Plan:
    wrapped: Any = model
    base = wrapped.get_base_model() if has_adapters(model) else wrapped
    config = copy.deepcopy(base.config)
    config.architectures = [type(base).__name__]
    dtype = base.dtype if cfg.dtype == "auto" else dtype_of(cfg.dtype)
    longest = min(longest, getattr(config, "max_position_embeddings", longest))
    shape = {k: v for k, v in config.to_dict().items() if k not in ("_name_or_path", "transformers_version")}
    identity = [shape, str(dtype), longest, cfg.max_rows, cfg.cache_mb, cfg.eager, sorted(tokenizer.get_vocab().items())]
    key = hashlib.blake2b(json.dumps(identity, sort_keys=True, default=str).encode()).hexdigest()
    return Plan(config=config, tokenizer=tokenizer, dtype=dtype, cfg=cfg, longest=longest, rank=rank, key=key)
