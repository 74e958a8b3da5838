"""Sampling from the very weights that are trained, over any full-attention `transformers` model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from r1lite.config import SamplerConfig
from r1lite.models.attention import layers_without_full_attention
from r1lite.models.pretrained import dtype_of
from r1lite.prompt import Prompter, end_token
from r1lite.sampling.native.model import decoder_of, step_of
from r1lite.sampling.native.scheduler import Decoding
from r1lite.types import Group, Problem

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class NativeSampler:
    """Samples from the very weights it is given: nothing is copied that `load` or `sample` does not make anew."""

    def __init__(self, model: PreTrainedModel, prompter: Prompter, cfg: SamplerConfig) -> None:
        if narrow := layers_without_full_attention(model):
            raise ValueError(f"sampler=native decodes full-attention models, and this one has layers of {narrow}; sampler=vllm can")
        dtype = model.dtype if cfg.dtype == "auto" else dtype_of(cfg.dtype)
        self.decoder, self.prompter, self.cfg = decoder_of(model, dtype), prompter, cfg
        self.ends = end_tokens(model, prompter)
        self.version = 0

    def load(self, weights: Iterable[tuple[str, Tensor]]) -> None:
        """Take over new weights. The policy's own are already here; anyone else's are copied in."""
        mine = dict(self.decoder.named_parameters())
        with torch.no_grad():
            for name, tensor in weights:
                if mine[name] is not tensor:
                    mine[name].copy_(tensor)
        self.version += 1

    @property
    def dtype(self) -> torch.dtype:
        return self.decoder.dtype

    @torch.inference_mode()
    def sample(self, problems: Sequence[Problem], *, n: int, seed: str, greedy: bool = False) -> Iterator[Group]:
        """Groups of n rollouts, each yielded as soon as its last row has finished."""
        with step_of(self.decoder, eager=self.cfg.eager) as step:
            seen = self.decoder, step, self.prompter, self.cfg, self.ends, problems
            yield from Decoding(*seen, n=n, seed=seed, greedy=greedy, version=self.version).groups()


def end_tokens(model: PreTrainedModel, prompter: Prompter) -> frozenset[int]:
    """Every token that the model's own settings call an end: chat models often have two."""
    configured = model.generation_config.eos_token_id if model.generation_config else None
    several = configured if isinstance(configured, list) else [configured]
    return frozenset({t for t in several if isinstance(t, int)} | {end_token(prompter.tokenizer)})
