"""What both vLLM engines share: a request as single asks, one a completion, and completions gathered until a request is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from r1lite.config import SamplerConfig
from r1lite.types import Completion, Request

Completed = tuple[int, tuple[Completion, ...]]  # a request's place, and its completions


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """One completion of a request."""

    place: int  # of the request
    index: int  # among the request's completions
    request: Request

    @property
    def seed(self) -> int:
        return self.request.seeds[self.index]


def asks_of(requests: Sequence[Request]) -> list[Ask]:
    return [Ask(place=place, index=i, request=r) for place, r in enumerate(requests) for i in range(len(r.seeds))]


def whole_requests(completions: Iterator[tuple[Ask, Completion]]) -> Iterator[Completed]:
    """Each request, as soon as the last of its completions has come."""
    gathered: dict[int, dict[int, Completion]] = {}
    for ask, completion in completions:
        own = gathered.setdefault(ask.place, {})
        own[ask.index] = completion
        if len(own) == len(ask.request.seeds):
            yield ask.place, tuple(own[index] for index in sorted(own))


def settings(cfg: SamplerConfig, ends: frozenset[int], *, greedy: bool) -> dict[str, Any]:
    """Sampling settings of a call, under vLLM's names. All that a model's own generation settings could change are set.

    The temperature is 1 because the engine's output head already divides by it (vllm_model.set_temperature).
    """
    return {
        "temperature": 0.0 if greedy else 1.0,
        "top_p": cfg.top_p,
        "top_k": cfg.top_k,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "stop_token_ids": sorted(ends),
        "include_stop_str_in_output": True,
        "skip_special_tokens": False,  # a stop string may be one
        "logprobs": 0,  # of the sampled token alone
    }


def settings_of(ask: Ask, shared: dict[str, Any]) -> dict[str, Any]:
    """The settings of a call, and those of one ask."""
    return {**shared, "max_tokens": ask.request.max_tokens, "stop": list(ask.request.stop), "seed": ask.seed}


def in_turn(complete: Callable[[Ask], Completion], asks: Sequence[Ask], *, at_once: int) -> Iterator[tuple[Ask, Completion]]:
    """Completions as they come. After an error nothing new is begun, and it is raised when all that was under way has been given."""
    failed: BaseException | None = None
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        asked = {pool.submit(complete, ask): ask for ask in asks}
        pending = set(asked)
        try:
            while pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for one in done:
                    if one.exception() is None:
                        yield asked[one], one.result()
                    failed = failed or one.exception()
                if failed:
                    pending = {one for one in pending if not one.cancel()}
        finally:  # whoever asked may have stopped listening
            for one in pending:
                one.cancel()
    if failed:
        raise failed
