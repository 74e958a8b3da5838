"""Turns problems into groups of rollouts, with any engine: renders prompts, derives seeds, and forms the groups."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from r1lite.config import SamplerConfig
from r1lite.parallel import share
from r1lite.prompt import Prompter
from r1lite.types import Completion, Engine, Group, Measured, Problem, Request, Rollout

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase


class Sampler:
    """Samples groups of rollouts from an engine."""

    def __init__(self, engine: Engine, prompter: Prompter, cfg: SamplerConfig) -> None:
        self.engine, self.prompter, self.cfg = engine, prompter, cfg
        self.earlier_loads = 0  # of weights, before the run was resumed; versions count them as well

    @property
    def dtype(self) -> torch.dtype | None:
        """The dtype in which the engine computes; None if unknown."""
        return self.engine.dtype

    def metrics(self) -> dict[str, float]:
        """What the engine says of itself since the last call; most say nothing."""
        return self.engine.metrics() if isinstance(self.engine, Measured) else {}

    def load(self, weights: Iterable[tuple[str, Tensor]]) -> None:
        """Give the engine new weights."""
        self.engine.load(weights)

    def sample(self, problems: Sequence[Problem], *, n: int, seed: str, greedy: bool = False) -> Iterator[Group]:
        """A group of n rollouts for each problem of this rank's share, yielded as soon as it is complete."""
        own = share.every_nth(list(zip(problems, self.requests(problems, n=n, seed=seed), strict=True)))
        for index, completions in self.engine.complete([request for _, (_, request) in own], greedy=greedy):
            place, (problem, request) = own[index]
            yield self.group(place, problem, request, completions)

    def requests(self, problems: Sequence[Problem], *, n: int, seed: str) -> list[Request]:
        """The engine's request for each problem, in the same order."""
        return [
            Request(
                prompt_ids=self.prompter.ids(problem),
                seeds=tuple(seed_of(seed, stream, index) for index in range(n)),
                max_tokens=self.cfg.max_tokens,
                stop=tuple(self.cfg.stop),
            )
            for problem, stream in zip(problems, streams(problems), strict=True)
        ]

    def group(self, place: int, problem: Problem, request: Request, completions: Sequence[Completion]) -> Group:
        prefill = self.prompter.response_prefix(problem)
        rollouts = (
            Rollout(
                problem_id=problem.id,
                index=index,
                prompt_ids=request.prompt_ids,
                token_ids=completion.token_ids,
                logprobs=completion.logprobs,
                text=as_text(self.prompter.tokenizer, completion.token_ids, self.engine.ends),
                prefill=prefill,
                finish=completion.finish,
                version=completion.version and completion.version + self.earlier_loads,  # 0 if the engine counts none
                versions=tuple((version + self.earlier_loads, tokens) for version, tokens in completion.versions),
            )
            for index, completion in enumerate(completions)
        )
        return Group(problem=problem, rollouts=tuple(rollouts), place=place)


def streams(problems: Sequence[Problem]) -> list[str]:
    """A name for each problem's random numbers. A problem that occurs twice gets two."""
    seen: Counter[str] = Counter()
    names = []
    for problem in problems:
        names.append(f"{problem.id}#{seen[problem.id]}" if seen[problem.id] else problem.id)
        seen[problem.id] += 1
    return names


def seed_of(seed: str, stream: str, index: int | str) -> int:
    """The seed of one rollout, or of a later turn (`0/1`), which then does not depend on the other rollouts in its batch."""
    return int.from_bytes(hashlib.blake2b(f"{seed}/{stream}/{index}".encode(), digest_size=7).digest(), "big")


def as_text(tokenizer: PreTrainedTokenizerBase, token_ids: Sequence[int], ends: frozenset[int]) -> str:
    """The completion as text, without its end token. Other special tokens stay, since a think tag may be one."""
    ids = token_ids[:-1] if token_ids and token_ids[-1] in ends else token_ids
    return str(tokenizer.decode(list(ids), skip_special_tokens=False))
