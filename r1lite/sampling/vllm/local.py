"""Sampling with vLLM inside this process: token ids in and out, weights taken over from memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from r1lite.config import SamplerConfig
from r1lite.console import say
from r1lite.prompt import Prompter
from r1lite.sampling.native.sampler import end_tokens
from r1lite.sampling.vllm import adapters
from r1lite.sampling.vllm.engine import engine_for
from r1lite.sampling.vllm.requests import Answer, Asking, settings
from r1lite.sampling.vllm.weights import base, whole
from r1lite.types import Group, Problem

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class VllmSampler:
    """Samples from a copy of the weights that an engine in this process holds. `load` brings the copy up to date."""

    def __init__(self, model: PreTrainedModel, prompter: Prompter, cfg: SamplerConfig, *, longest: int) -> None:
        """`longest` is what prompt and completion may take together, in tokens."""
        self.model, self.prompter, self.cfg = model, prompter, cfg
        self.ends = end_tokens(model, prompter)
        self.rank = adapters.rank_to_send(model, cfg)  # 0 sends all weights, adapters merged
        self.engine = engine_for(model, prompter, cfg, longest, self.rank)
        self.given: dict[str, Tensor] = {}
        self.version = 0
        self.mark = object()  # by which the engine knows whose weights it has; the model itself may go before the engine

    @property
    def dtype(self) -> torch.dtype:
        return self.engine.plan.dtype

    def load(self, weights: Iterable[tuple[str, Tensor]]) -> None:
        """Take over new weights. Those that are not given (frozen ones, say) are the model's own."""
        before, self.given = self.given, dict(weights)
        self.version += 1
        if self.rank and adapters.base_moves(self.model, before, self.given):
            self.engine.holder = None
        self._sync()

    def sample(self, problems: Sequence[Problem], *, n: int, seed: str, greedy: bool = False) -> Iterator[Group]:
        """Groups of n rollouts, each yielded as soon as its last row has finished."""
        if self.engine.holder is not self.mark:
            self._sync()
        asking = Asking(problems, self.prompter, self.ends, n=n, seed=seed)
        for ask, output in self.engine.answers(asking.asks, settings(self.cfg, self.ends, greedy=greedy)):
            group = asking.take(ask, answer_of(output, self.version))
            if group is not None:
                yield group

    def _sync(self) -> None:
        """All weights; or the adapters, behind the weights under them where the engine has others."""
        had, self.engine.holder = self.engine.holder, None
        if self.rank and had is not self.mark:
            self.engine.load(base(self.model, self.given), self.cfg.temperature)
        if self.rank:
            try:
                self.engine.adapt(lambda folder: adapters.write(folder, self.model, self.given))
            except adapters.NotTaken as error:
                say(f"sampler=vllm: vLLM does not take these adapters ({error}). {adapters.MERGED}")
                self.rank = 0
        if not self.rank:
            self.engine.load(whole(self.model, self.given), self.cfg.temperature)
        self.engine.holder = self.mark


def answer_of(output: Any, version: int) -> Answer:
    assert output.finish_reason in ("stop", "length"), output.finish_reason
    logprobs = (at[token].logprob for at, token in zip(output.logprobs, output.token_ids, strict=True))
    return Answer(token_ids=tuple(output.token_ids), logprobs=tuple(logprobs), finish=output.finish_reason, version=version)
