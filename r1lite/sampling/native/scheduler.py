"""Continuous batching: each prompt is prefilled once for all of its completions, finished rows leave, waiting requests join."""

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
from r1lite.sampling.native.cache import SlotCache, bytes_per_token, compacted
from r1lite.sampling.native.draw import choose, uniforms
from r1lite.sampling.native.model import Step
from r1lite.types import Completion, Finish, Request

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

LEAVE_SHARE = 0.03  # finished rows wait until they are this share of the batch: moving rows has a price
JOIN_SHARE = 0.25  # waiting requests join when this share of the rows is free
PREFILL_TOKENS = 16384  # of prompts that go through the model together


@dataclass(eq=False, slots=True)
class Row:
    """A completion in the making."""

    place: int  # of its request
    index: int  # among the request's completions
    uniforms: Tensor
    token_ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    finish: Finish | None = None


class Scheduler:
    """One call of `complete`: the rows in flight and the requests that wait."""

    def __init__(
        self,
        model: Any,
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
        # Long prompts first: a batch then needs its widest cache at the start, and rows of one width share it.
        self.waiting = sorted(range(len(requests)), key=lambda place: len(requests[place].prompt_ids))
        self.unfinished = [len(r.seeds) for r in requests]
        self.done: list[list[Row]] = [[] for _ in requests]
        self.rows: list[Row] = []
        self.cache_tokens = int(self.cfg.cache_mb * 2**20 // bytes_per_token(self.model))
        self.tokens = torch.empty(0, dtype=torch.long, device=self.model.device)
        self.uniforms = torch.empty(0, self.longest, device=self.model.device)
        self.cache: SlotCache | None = None

    def completed(self) -> Iterator[tuple[int, tuple[Completion, ...]]]:
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
        """That there may be together with the next to join, were each to grow as long as it may."""
        prompts = (len(self.requests[place].prompt_ids) for place in {row.place for row in self.rows} | {self.waiting[-1]})
        return min(self.cfg.max_rows, self.cache_tokens // (max(prompts, default=0) + self.longest))

    def _admit(self) -> Iterator[tuple[int, tuple[Completion, ...]]]:
        """Prefill waiting prompts, once each, and draw the first token of all their rows."""
        joining = self._joining()
        prompts = [self.requests[place].prompt_ids for place in joining]
        lengths = torch.tensor([len(prompt) for prompt in prompts], device=self.model.device)
        logits, prefilled = self._prefill(prompts, lengths)
        rows = [
            Row(place, index, uniforms(seed, self.longest)) for place in joining for index, seed in enumerate(self.requests[place].seeds)
        ]
        chances = torch.stack([row.uniforms for row in rows]).to(self.model.device)
        n = len(self.requests[joining[0]].seeds)
        tokens = self._choose(rows, logits.repeat_interleave(n, 0), chances[:, 0])
        if self.cache is None:
            self.cache = SlotCache(prefilled, lengths, n, most=int(lengths.max()) + self.longest)
        else:
            self.cache.join(prefilled, lengths, n)
        self.rows += rows
        self.tokens, self.uniforms = torch.cat([self.tokens, tokens]), torch.cat([self.uniforms, chances])
        yield from self._retire()

    def _joining(self) -> list[int]:
        """The places of the next requests to join, as many as there is room for. All have as many completions as the first."""
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
        """The logits after each prompt, and the keys and values of all."""
        ids = torch.zeros(len(prompts), int(lengths.max()), dtype=torch.long)
        for row, prompt in enumerate(prompts):
            ids[row, : len(prompt)] = torch.tensor(prompt)
        # Padded on the right, where causal attention never looks: each prompt's last position is as if it were alone.
        inputs: dict[str, Any] = {"input_ids": ids.to(self.model.device), "use_cache": True, "past_key_values": DynamicCache()}
        each = torch.arange(len(prompts), device=self.model.device)
        if has_plain_head(self.model):
            out = trunk_of(self.model)(**inputs)
            logits = self.model.get_output_embeddings()(out.last_hidden_state[each, lengths - 1])
        else:
            out = self.model(**inputs)
            logits = out.logits[each, lengths - 1]
        return logits, out.past_key_values

    def _advance(self) -> Iterator[tuple[int, tuple[Completion, ...]]]:
        """One token for every row in flight."""
        assert self.cache is not None
        logits = self.step(self.tokens, self.cache)
        written = torch.tensor([len(row.token_ids) for row in self.rows], device=self.model.device)
        chances = self.uniforms.gather(1, written.clamp(max=self.longest - 1)[:, None]).squeeze(1)
        self.tokens = self._choose(self.rows, logits, chances)
        yield from self._retire()

    def _choose(self, rows: Sequence[Row], logits: Tensor, chances: Tensor) -> Tensor:
        cfg = self.cfg
        tokens, chosen = choose(logits, None if self.greedy else chances, temperature=cfg.temperature, top_k=cfg.top_k, top_p=cfg.top_p)
        for row, token, logprob in zip(rows, tokens.tolist(), chosen.tolist(), strict=True):
            if row.finish is None:
                row.token_ids.append(token)
                row.logprobs.append(logprob)
                row.finish = self._finish(row)
        return tokens

    def _finish(self, row: Row) -> Finish | None:
        if row.token_ids[-1] in self.ends:
            return "stop"
        request = self.requests[row.place]
        if request.stop:
            # A stop string ends in the newest token, and no token is less than a byte, so the last few are enough to find it.
            recent = self.tokenizer.decode(row.token_ids[-max(len(stop.encode()) for stop in request.stop) :])
            if any(stop in recent for stop in request.stop):
                return "stop"
        return "length" if len(row.token_ids) >= request.max_tokens else None

    def _retire(self) -> Iterator[tuple[int, tuple[Completion, ...]]]:
        """Give away finished requests; let finished rows leave when there are enough of them."""
        leaving = [i for i, row in enumerate(self.rows) if row.finish]
        assert self.cache is not None
        # A row that has finished goes on until it leaves, but not past the room that the cache was promised.
        if len(leaving) < max(1, LEAVE_SHARE * len(self.rows)) and not (leaving and self.cache.is_full()):
            return
        finished = [self.rows[i] for i in leaving]
        for row in finished:
            self.done[row.place].append(row)
            self.unfinished[row.place] -= 1
        order = compacted(len(self.rows), leaving)
        self.rows = [self.rows[i] for i in order]
        keep = torch.tensor(order, dtype=torch.long, device=self.model.device)
        self.tokens, self.uniforms = self.tokens[keep], self.uniforms[keep]
        self.cache.keep(order)
        for place in sorted({row.place for row in finished}):
            if not self.unfinished[place]:
                yield place, tuple(self._completion(row) for row in sorted(self.done[place], key=lambda row: row.index))

    def _completion(self, row: Row) -> Completion:
        ids, logprobs = tuple(row.token_ids), tuple(row.logprobs)
        return Completion(token_ids=ids, logprobs=logprobs, finish=row.finish or "length", version=self.version)
