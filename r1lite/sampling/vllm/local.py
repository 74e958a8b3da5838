"""The vLLM engine inside this process: weights are passed in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from r1lite.config import SamplerConfig
from r1lite.console import say
from r1lite.sampling.ends import end_tokens
from r1lite.sampling.vllm import adapters
from r1lite.sampling.vllm.plan import plan_for
from r1lite.sampling.vllm.requests import Completed, gather, jobs_of, shared_settings
from r1lite.sampling.vllm.runtime import shared_runtime
from r1lite.sampling.vllm.weights import all_weights, base_weights
from r1lite.types import Completion, Request

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class VllmEngine:
    """Completes prompts with vLLM's copy of the weights, which `load` updates."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, cfg: SamplerConfig, *, longest: int) -> None:
        """`longest` is the maximum number of tokens of prompt and completion together."""
        self.model, self.cfg = model, cfg
        self.ends = end_tokens(model, tokenizer)
        self.rank = adapters.rank_to_send(model, cfg)  # 0 sends all weights, with adapters merged
        self.runtime = shared_runtime.start(plan_for(model, tokenizer, cfg, longest, self.rank))
        self.loaded: dict[str, Tensor] = {}
        self.version = 0
        self.token = object()  # identifies this engine as the runtime's holder; unlike the model, the runtime may keep it

    @property
    def dtype(self) -> torch.dtype:
        return self.runtime.plan.dtype

    def load(self, weights: Iterable[tuple[str, Tensor]]) -> None:
        """Load new weights. Weights that are not among them, such as frozen ones, are the model's own."""
        before, self.loaded = self.loaded, dict(weights)
        self.version += 1
        if self.rank and adapters.base_changed(self.model, before, self.loaded):
            self.runtime.holder = None
        self._sync()

    def complete(self, requests: Sequence[Request], *, greedy: bool = False) -> Iterator[Completed]:
        """The index of each request and its completions, as soon as the last of them has finished."""
        if self.runtime.holder is not self.token:
            self._sync()
        outputs = self.runtime.outputs(jobs_of(requests), shared_settings(self.cfg, self.ends, greedy=greedy))
        yield from gather((job, as_completion(output, self.version)) for job, output in outputs)

    def _sync(self) -> None:
        """Send all weights; or the adapters, after the weights under them if the runtime has others."""
        holder, self.runtime.holder = self.runtime.holder, None
        if self.rank and holder is not self.token:
            self.runtime.load(base_weights(self.model, self.loaded), self.cfg.temperature)
        if self.rank:
            try:
                self.runtime.load_adapters(lambda folder: adapters.write(folder, self.model, self.loaded))
            except adapters.AdaptersRejected as error:
                say(f"sampler=vllm: vLLM does not accept these adapters ({error}). {adapters.MERGED}")
                self.rank = 0
        if not self.rank:
            self.runtime.load(all_weights(self.model, self.loaded), self.cfg.temperature)
        self.runtime.holder = self.token


def as_completion(output: Any, version: int) -> Completion:
    assert output.finish_reason in ("stop", "length"), output.finish_reason
    logprobs = (at[token].logprob for at, token in zip(output.logprobs, output.token_ids, strict=True))
    return Completion(token_ids=tuple(output.token_ids), logprobs=tuple(logprobs), finish=output.finish_reason, version=version)
