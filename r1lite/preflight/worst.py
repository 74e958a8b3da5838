"""The worst update of a run: the longest prompt, every response as long as it may be, whole groups, forward, backward, optimiser."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle, islice

from r1lite.config import Config
from r1lite.learning.policy import Policy, with_old_logprobs
from r1lite.objective import Objective
from r1lite.preflight.facts import Worst
from r1lite.prompt import Prompter
from r1lite.types import Problem, Sample

PROMPTS, PROMPT_SECONDS = 2000, 2.0  # prompts whose length is measured, and the time after which no more are
MICRO_BATCHES = 2  # as many as it takes for gradients to be there while the next pass begins


def longest_prompt(prompter: Prompter, problems: Sequence[Problem], limit: int) -> tuple[tuple[int, ...], int]:
    """The token ids of the longest prompt that is not too long, and how many prompts were measured, spread over all problems."""
    longest: tuple[int, ...] = ()
    began, tried = time.monotonic(), 0
    for at in range(0, len(problems), -(-len(problems) // PROMPTS)):
        ids, tried = prompter.ids(problems[at]), tried + 1
        if len(longest) < len(ids) <= limit:
            longest = ids
        if time.monotonic() - began > PROMPT_SECONDS:
            break
    return longest, tried


def worst_samples(prompt: tuple[int, ...], written: Sequence[int], cfg: Config, *, prompts: int) -> list[Sample]:
    """Samples that fill the largest micro-batches of an update, as far as the update has as many."""
    a, response = cfg.algorithm, cfg.sampler.max_tokens
    of_prompt = -(-cfg.rl.group_size // cfg.rl.updates_per_step)
    filling = MICRO_BATCHES * max(1, -(-cfg.rl.micro_batch_tokens // (len(prompt) + of_prompt * response)))
    ids = tuple(islice(cycle(written or (0,)), response))
    zeros = (0.0,) * response if a.critic != "none" else ()
    return [
        # The prompts differ in their last token, so that they are not taken for one.
        Sample(
            prompt_ids=(*prompt[:-1], number), token_ids=ids, logprobs=(0.0,) * response, advantage=(-1.0) ** i, values=zeros, returns=zeros
        )
        for number in range(min(prompts, filling))
        for i in range(of_prompt)
    ]


def run_worst(policy: Policy, objective: Objective, samples: Sequence[Sample], *, prompt: int) -> Worst:
    """Take the update. Its learning rate is 0."""
    samples = [replace(s, logprobs=tuple(row)) for s, row in zip(samples, policy.logprobs(samples), strict=True)]
    began = time.perf_counter()
    if objective.correction != "none":
        samples = with_old_logprobs(policy, samples)
    policy.step(samples, objective)
    seconds = time.perf_counter() - began
    budget = policy.cfg.micro_batch_tokens
    return Worst(
        prompt=prompt,
        response=len(samples[0].token_ids),
        sequences=len(samples),
        micro_batches=max(1, -(-sum(len(s.prompt_ids) + len(s.token_ids) for s in samples) // budget)),
        seconds=seconds,
    )
