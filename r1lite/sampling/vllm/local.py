"""vLLM inside this process: token ids in and out, weights taken over from memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from r1lite.config import SamplerConfig
from r1lite.console import say
from r1lite.sampling.ends import end_tokens
from r1lite.sampling.vllm import adapters
from r1lite.sampling.vllm.requests import Completed, asks_of, settings, whole_requests
from r1lite.sampling.vllm.runtime import runtime_for
from r1lite.sampling.vllm.weights import base, whole
from r1lite.types import Completion, Request

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class VllmEngine:
    """Completes prompts with a copy of the weights that vLLM holds in this process. `load` brings the copy up to date."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, cfg: SamplerConfig, *, longest: int) -> None:
        """`longest` is what prompt and completion may take together, in tokens."""
        self.model, self.cfg = model, cfg
        self.ends = end_tokens(model, tokenizer)
        self.rank = adapters.rank_to_send(model, cfg)  # 0 sends all weights, adapters merged
        self.runtime = runtime_for(model, tokenizer, cfg, longest, self.rank)
        self.given: dict[str, Tensor] = {}
        self.version = 0
        self.mark = object()  # by which the runtime knows whose weights it has; the model itself may go before the runtime

    @property
    def dtype(self) -> torch.dtype:
        return self.runtime.plan.dtype

    def load(self, weights: Iterable[tuple[str, Tensor]]) -> None:
        """Take over new weights. Those that are not given (frozen ones, say) are the model's own."""
        before, self.given = self.given, dict(weights)
        self.version += 1
        if self.rank and adapters.base_moves(self.model, before, self.given):
            self.runtime.holder = None
        self._sync()

    def complete(self, requests: Sequence[Request], *, greedy: bool = False) -> Iterator[Completed]:
        """Each request's place and its completions, as soon as the last of them has finished."""
        if self.runtime.holder is not self.mark:
            self._sync()
        outputs = self.runtime.outputs(asks_of(requests), settings(self.cfg, self.ends, greedy=greedy))
        yield from whole_requests((ask, completion_of(output, self.version)) for ask, output in outputs)

    def _sync(self) -> None:
        """All weights; or the adapters, behind the weights under them where the engine has others."""
        had, self.runtime.holder = self.runtime.holder, None
        if self.rank and had is not self.mark:
            self.runtime.load(base(self.model, self.given), self.cfg.temperature)
        if self.rank:
            try:
                self.runtime.adapt(lambda folder: adapters.write(folder, self.model, self.given))
            except adapters.NotTaken as error:
                say(f"sampler=vllm: vLLM does not take these adapters ({error}). {adapters.MERGED}")
                self.rank = 0
        if not self.rank:
            self.runtime.load(whole(self.model, self.given), self.cfg.temperature)
        self.runtime.holder = self.mark


def completion_of(output: Any, version: int) -> Completion:
    assert output.finish_reason in ("stop", "length"), output.finish_reason
    logprobs = (at[token].logprob for at, token in zip(output.logprobs, output.token_ids, strict=True))
    return Completion(token_ids=tuple(output.token_ids), logprobs=tuple(logprobs), finish=output.finish_reason, version=version)
