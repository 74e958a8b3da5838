"""The native engine: it completes prompts with the very weights that are trained, over any full-attention `transformers` model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from r1lite.config import SamplerConfig
from r1lite.models.attention import layers_without_full_attention
from r1lite.models.pretrained import dtype_of
from r1lite.sampling.ends import end_tokens
from r1lite.sampling.native.model import decoder_of, step_of
from r1lite.sampling.native.scheduler import Scheduler
from r1lite.types import Completion, Request

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class NativeEngine:
    """Completes prompts with the weights it is given. It holds no copy that `load` or `complete` does not make anew."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, cfg: SamplerConfig) -> None:
        if narrow := layers_without_full_attention(model):
            raise ValueError(f"sampler=native decodes full-attention models, and this one has layers of {narrow}; sampler=vllm can")
        dtype = model.dtype if cfg.dtype == "auto" else dtype_of(cfg.dtype)
        self.decoder, self.tokenizer, self.cfg = decoder_of(model, dtype), tokenizer, cfg
        self.ends = end_tokens(model, tokenizer)
        self.version = 0

    @property
    def dtype(self) -> torch.dtype:
        return self.decoder.dtype

    def load(self, weights: Iterable[tuple[str, Tensor]]) -> None:
        """Take over new weights. The policy's own are already here; anyone else's are copied in."""
        own = dict(self.decoder.named_parameters())
        with torch.no_grad():
            for name, tensor in weights:
                if own[name] is not tensor:
                    own[name].copy_(tensor)
        self.version += 1

    @torch.inference_mode()
    def complete(self, requests: Sequence[Request], *, greedy: bool = False) -> Iterator[tuple[int, tuple[Completion, ...]]]:
        """Each request's place and its completions, as soon as the last of them has finished."""
        with step_of(self.decoder, eager=self.cfg.eager) as step:
            yield from Scheduler(
                self.decoder, step, self.tokenizer, self.cfg, self.ends, requests, greedy=greedy, version=self.version
            ).completed()
