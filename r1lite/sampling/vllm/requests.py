"""Shared by both vLLM engines: requests split into jobs of one completion each, and completions gathered into requests again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

from r1lite.config import SamplerConfig
from r1lite.types import Completion, Request

Completed = tuple[int, tuple[Completion, ...]]  # index of a request, and its completions
Settings = dict[str, Any]  # sampling parameters, under vLLM's names


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One completion of a request."""

    request: Request
    request_index: int
    index: int  # among the request's completions

    @property
    def seed(self) -> int:
        return self.request.seeds[self.index]


def jobs_of(requests: Sequence[Request]) -> list[Job]:
    return [Job(request=r, request_index=i, index=index) for i, r in enumerate(requests) for index in range(len(r.seeds))]


def gather(completions: Iterator[tuple[Job, Completion]]) -> Iterator[Completed]:
    """Yield each request as soon as the last of its completions has arrived."""
    gathered: dict[int, dict[int, Completion]] = {}
    for job, completion in completions:
        of_request = gathered.setdefault(job.request_index, {})
        of_request[job.index] = completion
        if len(of_request) == len(job.request.seeds):
            yield job.request_index, tuple(of_request[index] for index in sorted(of_request))


def shared_settings(cfg: SamplerConfig, ends: frozenset[int], *, greedy: bool) -> Settings:
    """The sampling settings of all jobs of a call. Sets everything that a model's generation settings could change.

    The temperature is 1, because the engine's output head already divides by it (set_temperature in model.py).
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
        "skip_special_tokens": False,  # a stop string may be a special token
        "logprobs": 0,  # of the sampled token only
    }


def job_settings(job: Job, shared: Settings) -> Settings:
    """The shared settings, with those of one job."""
    return {**shared, "max_tokens": job.request.max_tokens, "stop": list(job.request.stop), "seed": job.seed}


def run_jobs(complete: Callable[[Job], Completion], jobs: Sequence[Job], *, concurrency: int) -> Iterator[tuple[Job, Completion]]:
    """Completions in order of arrival. After an error no new job starts; it is raised when the running ones have been yielded."""
    error: BaseException | None = None
    with ThreadPoolExecutor(max_workers=concurrency) as pool:
        futures = {pool.submit(copy_context().run, complete, job): job for job in jobs}
        pending = set(futures)
        try:
            while pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    if future.exception() is None:
                        yield futures[future], future.result()
                    error = error or future.exception()
                if error:
                    pending = {future for future in pending if not future.cancel()}
        finally:  # the caller may have closed this generator
            for future in pending:
                future.cancel()
    if error:
        raise error
