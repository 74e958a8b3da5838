"""What both vLLM samplers share: a call of `sample` as single requests, and groups that come whole out of the answers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from r1lite.config import SamplerConfig
from r1lite.prompt import Prompter
from r1lite.sampling.native.scheduler import as_text, streams
from r1lite.types import Finish, Group, Problem, Rollout


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """One rollout that is wanted."""

    group: int
    index: int
    prompt_ids: tuple[int, ...]
    seed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What an engine sampled for it."""

    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    finish: Finish
    version: int  # of the weights


class Asking:
    """One call of `sample`: what is wanted, and the groups that are not yet whole."""

    def __init__(self, problems: Sequence[Problem], prompter: Prompter, ends: frozenset[int], *, n: int, seed: str) -> None:
        self.problems, self.prompter, self.ends, self.n = problems, prompter, ends, n
        self.answers: list[dict[int, Answer]] = [{} for _ in problems]
        self.prompts = [prompter.ids(p) for p in problems]
        self.asks = [
            Ask(group=group, index=index, prompt_ids=self.prompts[group], seed=seed_of(seed, stream, index))
            for group, stream in enumerate(streams(problems))
            for index in range(n)
        ]

    def take(self, ask: Ask, answer: Answer) -> Group | None:
        """The group, if this was the last answer that it lacked."""
        answers = self.answers[ask.group]
        answers[ask.index] = answer
        return self._group(ask.group) if len(answers) == self.n else None

    def _group(self, group: int) -> Group:
        problem, answers = self.problems[group], self.answers[group]
        prefill = self.prompter.opened(problem)
        rollouts = (
            Rollout(
                problem_id=problem.id,
                index=index,
                prompt_ids=self.prompts[group],
                token_ids=answers[index].token_ids,
                logprobs=answers[index].logprobs,
                text=as_text(self.prompter.tokenizer, answers[index].token_ids, self.ends),
                prefill=prefill,
                finish=answers[index].finish,
                version=answers[index].version,
            )
            for index in range(self.n)
        )
        return Group(problem=problem, rollouts=tuple(rollouts))


def settings(cfg: SamplerConfig, ends: frozenset[int], *, greedy: bool) -> dict[str, Any]:
    """Sampling settings under vLLM's names. Those that a model's own generation settings may change are all given.

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
        "max_tokens": cfg.max_tokens,
        "stop": list(cfg.stop),
        "stop_token_ids": sorted(ends),
        "include_stop_str_in_output": True,
        "skip_special_tokens": False,  # a stop string may be one
        "logprobs": 0,  # of the sampled token alone
    }


def in_turn(answer: Callable[[Ask], Answer], asks: Sequence[Ask], *, at_once: int) -> Iterator[tuple[Ask, Answer]]:
    """Answers as they come. After an error nothing new is begun, and it is raised when all that was under way has been given."""
    failed: BaseException | None = None
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        asked = {pool.submit(answer, ask): ask for ask in asks}
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


def seed_of(seed: str, stream: str, index: int) -> int:
    """A rollout's own seed, so that what it draws does not depend on who shares its batch."""
    return int.from_bytes(hashlib.blake2b(f"{seed}/{stream}/{index}".encode(), digest_size=7).digest(), "big")
