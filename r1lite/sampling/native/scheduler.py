"""Continuous batching: a prompt is prefilled once for all of its completions, finished rows leave, and waiting requests join."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import DynamicCache

from r1lite.config import SamplerConfig
from r1lite.models.adapters import trunk_of
from r1lite.models.head import has_plain_head
from r1lite.sampling.native.cache import SlotCache, bytes_per_token, compact_order
from r1lite.sampling.native.draw import choose, uniforms
from r1lite.sampling.native.model import Step
from r1lite.types import Completion, Finish, Request

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

LEAVE_SHARE = 0.03  # finished rows leave when they are this share of the batch, since moving rows costs time
JOIN_SHARE = 0.25  # waiting requests join when this share of the rows is free
PREFILL_TOKENS = 16384  # of prompts in one prefill


@dataclass(eq=False, slots=True)
class Row:
    """A completion in progress."""

    request: int  # index of its request
    index: int  # among the request's completions
    uniforms: Tensor
    token_ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    finish: Finish | None = None


class Scheduler:
    """The state of one call of `complete`: rows in flight and waiting requests."""

    def __init__(
        self,
        model: PreTrainedModel,
        step: Step,
        tokenizer: PreTrainedTokenizerBase,
        cfg: SamplerConfig,
        ends: frozenset[int],
        requests: Sequence[Request],
        *,
        greedy: bool,
        version: int = 0,
    ) -> None:
        self.model, self.step, self.tokenizer, self.cfg, self.ends = model, step, tokenizer, cfg, ends
        self.requests, self.greedy, self.version = requests, greedy, version
        self.longest = max((r.max_tokens for r in requests), default=0)
        # Taken from the end, so long prompts come first: the cache is widest at the start, and rows in it have similar widths.
        self.waiting = sorted(range(len(requests)), key=lambda i: len(requests[i].prompt_ids))
        self.unfinished = [len(r.seeds) for r in requests]
        self.done: list[list[Row]] = [[] for _ in requests]
        self.rows: list[Row] = []
        self.cache_tokens = int(self.cfg.cache_mb * 2**20 // bytes_per_token(self.model))
        self.tokens = torch.empty(0, dtype=torch.long, device=self.model.device)
        self.uniforms = torch.empty(0, self.longest, device=self.model.device)
        self.cache: SlotCache | None = None

    def completed(self) -> Iterator[tuple[int, tuple[Completion, ...]]]:
        """The index of each request and its completions, as soon as the last of them has finished."""
        while self.rows or self.waiting:
            if self.waiting and self._has_room():
                yield from self._admit()
            else:
                yield from self._advance()

    def _has_room(self) -> bool:
        if not self.rows:
            return True
        free = self._most_rows() - len(self.rows)
        return free >= len(self.requests[self.waiting[-1]].seeds) and free >= self._most_rows() * JOIN_SHARE

    def _most_rows(self) -> int:
        """The most rows that fit into the cache with the next request, if every row grows to its maximum length."""
        prompts = (len(self.requests[i].prompt_ids) for i in {row.request for row in self.rows} | {self.waiting[-1]})
        return min(self.cfg.max_rows, self.cache_tokens // (max(prompts, default=0) + self.longest))

    def _admit(self) -> Iterator[tuple[int, tuple[Completion, ...]]]:
        """Prefill waiting prompts, once each, and draw the first token of all their rows."""
        joining = self._joining()
        prompts = [self.requests[i].prompt_ids for i in joining]
        lengths = torch.tensor([len(prompt) for prompt in prompts], device=self.model.device)
        logits, prefilled = self._prefill(prompts, lengths)
        rows = [Row(i, index, uniforms(seed, self.longest)) for i in joining for index, seed in enumerate(self.requests[i].seeds)]
        random = torch.stack([row.uniforms for row in rows]).to(self.model.device)
        n = len(self.requests[joining[0]].seeds)
        tokens = self._choose(rows, logits.repeat_interleave(n, 0), random[:, 0])
        if self.cache is None:
            self.cache = SlotCache(prefilled, lengths, n, max_positions=int(lengths.max()) + self.longest)
        else:
            self.cache.add_rows(prefilled, lengths, n)
        self.rows += rows
        self.tokens, self.uniforms = torch.cat([self.tokens, tokens]), torch.cat([self.uniforms, random])
        yield from self._retire()

    def _joining(self) -> list[int]:
        """Take the next requests to join, as many as there is room for. All have as many completions as the first."""
        joining: list[int] = []
        n = len(self.requests[self.waiting[-1]].seeds)
        room = max(1, (self._most_rows() - len(self.rows)) // n)
        while self.waiting and len(joining) < room and len(self.requests[self.waiting[-1]].seeds) == n:
            widest = len(self.requests[joining[0]].prompt_ids) if joining else 0
            if joining and widest * (len(joining) + 1) > PREFILL_TOKENS:
                break
            joining.append(self.waiting.pop())
        return joining

    def _prefill(self, prompts: Sequence[tuple[int, ...]], lengths: Tensor) -> tuple[Tensor, DynamicCache]:
        """The logits after each prompt, and the keys and values of all prompts."""
        ids = torch.zeros(len(prompts), int(lengths.max()), dtype=torch.long)
        for row, prompt in enumerate(prompts):
            ids[row, : len(prompt)] = torch.tensor(prompt)
        # The padding is on the right, which causal attention never sees: each prompt is computed as if it were alone.
        ids = ids.to(self.model.device)
        each = torch.arange(len(prompts), device=self.model.device)
        if has_plain_head(self.model):
            out = trunk_of(self.model)(input_ids=ids, use_cache=True, past_key_values=DynamicCache())
            head: Any = self.model.get_output_embeddings()
            logits = head(out.last_hidden_state[each, lengths - 1])
        else:
            out = self.model(input_ids=ids, use_cache=True, past_key_values=DynamicCache())
            logits = out.logits[each, lengths - 1]
        return logits, out.past_key_values

    def _advance(self) -> Iterator[tuple[int, tuple[Completion, ...]]]:
        """Draw one token for every row in flight."""
        assert self.cache is not None
        logits = self.step(self.tokens, self.cache)
        lengths = torch.tensor([len(row.token_ids) for row in self.rows], device=self.model.device)
        uniform = self.uniforms.gather(1, lengths.clamp(max=self.longest - 1)[:, None]).squeeze(1)
        self.tokens = self._choose(self.rows, logits, uniform)
        yield from self._retire()

    def _choose(self, rows: Sequence[Row], logits: Tensor, uniform: Tensor) -> Tensor:
        cfg = self.cfg
        tokens, logprobs = choose(logits, None if self.greedy else uniform, temperature=cfg.temperature, top_k=cfg.top_k, top_p=cfg.top_p)
        for row, token, logprob in zip(rows, tokens.tolist(), logprobs.tolist(), strict=True):
            if row.finish is None:
                row.token_ids.append(token)
                row.logprobs.append(logprob)
                row.finish = self._finish(row)
        return tokens

    def _finish(self, row: Row) -> Finish | None:
        if row.token_ids[-1] in self.ends:
            return "stop"
        request = self.requests[row.request]
        if request.stop:
            # A stop string ends in the newest token, and a token has at least one byte, so the last few tokens contain it.
            recent = self.tokenizer.decode(row.token_ids[-max(len(stop.encode()) for stop in request.stop) :])
            if any(stop in recent for stop in request.stop):
                return "stop"
        return "length" if len(row.token_ids) >= request.max_tokens else None

    def _retire(self) -> Iterator[tuple[int, tuple[Completion, ...]]]:
        """Remove finished rows when there are enough of them, and yield requests whose rows have all finished."""
        leaving = [i for i, row in enumerate(self.rows) if row.finish]
        assert self.cache is not None
        # A finished row is still computed until it leaves, so it must leave before it outgrows the cache.
        if len(leaving) < max(1, LEAVE_SHARE * len(self.rows)) and not (leaving and self.cache.is_full()):
            return
        finished = [self.rows[i] for i in leaving]
        for row in finished:
            self.done[row.request].append(row)
            self.unfinished[row.request] -= 1
        order = compact_order(len(self.rows), leaving)
        self.rows = [self.rows[i] for i in order]
        indices = torch.tensor(order, dtype=torch.long, device=self.model.device)
        self.tokens, self.uniforms = self.tokens[indices], self.uniforms[indices]
        self.cache.reorder(order)
        for request in sorted({row.request for row in finished}):
            if not self.unfinished[request]:
                yield request, tuple(self._completion(row) for row in sorted(self.done[request], key=lambda row: row.index))

    def _completion(self, row: Row) -> Completion:
        ids, logprobs = tuple(row.token_ids), tuple(row.logprobs)
        return Completion(token_ids=ids, logprobs=logprobs, finish=row.finish or "length", version=self.version)
