"""The decoding loop: each prompt is prefilled once for its whole group, finished rows leave, waiting problems join."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import DynamicCache

from r1lite.config import SamplerConfig
from r1lite.models.adapters import trunk_of
from r1lite.models.head import has_plain_head
from r1lite.prompt import Prompter
from r1lite.sampling.native.cache import SlotCache, bytes_per_token, compacted
from r1lite.sampling.native.draw import choose, uniforms
from r1lite.sampling.native.model import Step
from r1lite.types import Finish, Group, Problem, Rollout

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

LEAVE_SHARE = 0.03  # finished rows wait until they are this share of the batch: moving rows has a price
JOIN_SHARE = 0.25  # waiting problems join when this share of the rows is free
PREFILL_TOKENS = 16384  # of prompts that go through the model together


@dataclass(eq=False, slots=True)
class Row:
    """A rollout in the making."""

    group: int
    index: int
    uniforms: Tensor
    token_ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    finish: Finish | None = None


class Decoding:
    """One call of `sample`: the rows in flight and what waits behind them."""

    def __init__(
        self,
        model: Any,
        step: Step,
        prompter: Prompter,
        cfg: SamplerConfig,
        ends: frozenset[int],
        problems: Sequence[Problem],
        *,
        n: int,
        seed: str,
        greedy: bool,
        version: int = 0,
    ) -> None:
        self.model, self.step, self.prompter, self.cfg, self.ends = model, step, prompter, cfg, ends
        self.problems, self.n, self.seed, self.greedy = problems, n, seed, greedy
        self.version = version
        self.streams = streams(problems)
        self.prompts = [self.prompter.ids(p) for p in problems]
        # Long prompts first: a batch then needs its widest cache at the start, and rows of one width share it.
        self.waiting = sorted(range(len(problems)), key=lambda g: len(self.prompts[g]))
        self.unfinished = [n] * len(problems)
        self.done: list[list[Row]] = [[] for _ in problems]
        self.rows: list[Row] = []
        self.cache_tokens = int(self.cfg.cache_mb * 2**20 // bytes_per_token(self.model))
        self.tokens = torch.empty(0, dtype=torch.long, device=self.model.device)
        self.uniforms = torch.empty(0, self.cfg.max_tokens, device=self.model.device)
        self.cache: SlotCache | None = None

    def groups(self) -> Iterator[Group]:
        while self.rows or self.waiting:
            if self.waiting and self._has_room():
                yield from self._admit()
            else:
                yield from self._advance()

    def _has_room(self) -> bool:
        if not self.rows:
            return True
        free = self._most_rows() - len(self.rows)
        return free >= self.n and free >= self._most_rows() * JOIN_SHARE

    def _most_rows(self) -> int:
        """That there may be together with the next to join, were each to grow as long as it may."""
        longest = max((len(self.prompts[g]) for g in {row.group for row in self.rows} | {self.waiting[-1]}), default=0)
        return min(self.cfg.max_rows, self.cache_tokens // (longest + self.cfg.max_tokens))

    def _admit(self) -> Iterator[Group]:
        """Prefill waiting prompts, once each, and draw the first token of all their rows."""
        joining: list[int] = []
        room = max(1, (self._most_rows() - len(self.rows)) // self.n)
        while self.waiting and len(joining) < room:
            widest = len(self.prompts[joining[0]]) if joining else 0
            if joining and widest * (len(joining) + 1) > PREFILL_TOKENS:
                break
            joining.append(self.waiting.pop())
        lengths = torch.tensor([len(self.prompts[g]) for g in joining], device=self.model.device)
        logits, prefilled = self._prefill([self.prompts[g] for g in joining], lengths)
        rows = [Row(g, i, uniforms(self.seed, self.streams[g], i, self.cfg.max_tokens)) for g in joining for i in range(self.n)]
        chances = torch.stack([row.uniforms for row in rows]).to(self.model.device)
        tokens = self._choose(rows, logits.repeat_interleave(self.n, 0), chances[:, 0])
        if self.cache is None:
            self.cache = SlotCache(prefilled, lengths, self.n, most=int(lengths.max()) + self.cfg.max_tokens)
        else:
            self.cache.join(prefilled, lengths, self.n)
        self.rows += rows
        self.tokens, self.uniforms = torch.cat([self.tokens, tokens]), torch.cat([self.uniforms, chances])
        yield from self._retire()

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

    def _advance(self) -> Iterator[Group]:
        """One token for every row in flight."""
        assert self.cache is not None
        logits = self.step(self.tokens, self.cache)
        written = torch.tensor([len(row.token_ids) for row in self.rows], device=self.model.device)
        chances = self.uniforms.gather(1, written.clamp(max=self.cfg.max_tokens - 1)[:, None]).squeeze(1)
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
        if self.cfg.stop:
            # A stop string ends in the newest token, and no token is less than a byte, so the last few are enough to find it.
            recent = self.prompter.tokenizer.decode(row.token_ids[-max(len(stop.encode()) for stop in self.cfg.stop) :])
            if any(stop in recent for stop in self.cfg.stop):
                return "stop"
        return "length" if len(row.token_ids) >= self.cfg.max_tokens else None

    def _retire(self) -> Iterator[Group]:
        """Give away finished groups; let finished rows leave when there are enough of them."""
        leaving = [i for i, row in enumerate(self.rows) if row.finish]
        assert self.cache is not None
        # A row that has finished goes on until it leaves, but not past the room that the cache was promised.
        if len(leaving) < max(1, LEAVE_SHARE * len(self.rows)) and not (leaving and self.cache.is_full()):
            return
        finished = [self.rows[i] for i in leaving]
        for row in finished:
            self.done[row.group].append(row)
            self.unfinished[row.group] -= 1
        order = compacted(len(self.rows), leaving)
        self.rows = [self.rows[i] for i in order]
        keep = torch.tensor(order, dtype=torch.long, device=self.model.device)
        self.tokens, self.uniforms = self.tokens[keep], self.uniforms[keep]
        self.cache.keep(order)
        for group in sorted({row.group for row in finished}):
            if not self.unfinished[group]:
                yield self._group(group)

    def _group(self, group: int) -> Group:
        problem, tokenizer = self.problems[group], self.prompter.tokenizer
        prefill = self.prompter.opened(problem)
        rows = sorted(self.done[group], key=lambda row: row.index)
        rollouts = (
            Rollout(
                problem_id=problem.id,
                index=row.index,
                prompt_ids=self.prompts[group],
                token_ids=tuple(row.token_ids),
                logprobs=tuple(row.logprobs),
                text=as_text(tokenizer, row.token_ids, self.ends),
                prefill=prefill,
                finish=row.finish or "length",
                version=self.version,
            )
            for row in rows
        )
        return Group(problem=problem, rollouts=tuple(rollouts))


def streams(problems: Sequence[Problem]) -> list[str]:
    """A name for each problem's random numbers. One that comes twice is asked twice, not copied."""
    seen: Counter[str] = Counter()
    names = []
    for problem in problems:
        names.append(f"{problem.id}#{seen[problem.id]}" if seen[problem.id] else problem.id)
        seen[problem.id] += 1
    return names


def as_text(tokenizer: PreTrainedTokenizerBase, token_ids: Sequence[int], ends: frozenset[int]) -> str:
    """The completion as text. Special tokens are kept (a think tag may be one); only the end token is left out."""
    ids = token_ids[:-1] if token_ids and token_ids[-1] in ends else token_ids
    return str(tokenizer.decode(list(ids), skip_special_tokens=False))
