"""The native engine: samples with the trainer's own weights, from any `transformers` model with full attention."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from r1lite.config import SamplerConfig
from r1lite.models.attention import layers_without_full_attention
from r1lite.models.pretrained import dtype_of
from r1lite.sampling.ends import end_tokens
from r1lite.sampling.native.model import decoding_step, make_decoder
from r1lite.sampling.native.scheduler import Scheduler
from r1lite.types import Completion, Request

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class NativeEngine:
    """Completes prompts with the model's own parameters. Copies, packed or of another dtype, are renewed by `load` or `complete`."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, cfg: SamplerConfig) -> None:
        if kinds := layers_without_full_attention(model):
            raise ValueError(f"sampler=native supports only full attention, but this model has layers of {kinds}; use sampler=vllm")
        dtype = model.dtype if cfg.dtype == "auto" else dtype_of(cfg.dtype)
        self.decoder, self.tokenizer, self.cfg = make_decoder(model, dtype), tokenizer, cfg
        self.ends = end_tokens(model, tokenizer)
        self.version = 0

    @property
    def dtype(self) -> torch.dtype:
        return self.decoder.dtype

    def load(self, weights: Iterable[tuple[str, Tensor]]) -> None:
        """Load new weights. Tensors that the decoder shares with the policy are already up to date; others are copied."""
        parameters = dict(self.decoder.named_parameters())
        with torch.no_grad():
            for name, tensor in weights:
                if parameters[name] is not tensor:
                    parameters[name].copy_(tensor)
        self.version += 1

    @torch.inference_mode()
    def complete(self, requests: Sequence[Request], *, greedy: bool = False) -> Iterator[tuple[int, tuple[Completion, ...]]]:
        """The index of each request and its completions, as soon as the last of them has finished."""
        with decoding_step(self.decoder, eager=self.cfg.eager) as step:
            yield from Scheduler(
                self.decoder, step, self.tokenizer, self.cfg, self.ends, requests, greedy=greedy, version=self.version
            ).completed()
