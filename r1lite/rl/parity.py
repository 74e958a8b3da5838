"""The gate between sampler and trainer: both must give the same tokens the same log-probs, before anything is trained on them.

A few rollouts of every step go through the trainer as they were sampled: after the first load, after a resume, after every
sync. Covered is whatever lets the two models differ on what was sampled: weights, prompt, temperature, end token, precision.
Not covered is what they agree on: a prompt that is wrong for both, or a sampler that draws from another distribution than the
one it reports.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from r1lite.config import ParityConfig, SamplerConfig
from r1lite.learning.policy import Policy
from r1lite.losses.parts import k3
from r1lite.rl.collect import Collected
from r1lite.rl.mismatch import EDGE, Evidence, Rows, differences, likeliest
from r1lite.rl.prefetch import as_of
from r1lite.types import Rollout, Sample, Sampler, masked_select


@dataclass(frozen=True, kw_only=True, slots=True)
class Passed:
    """A check that found nothing: what a later one is compared with."""

    mean: float  # difference of log-probs
    weights: int  # training steps that the sampler's weights had seen
    version: int  # that the sampler itself gave the weights; 0 where it counts none


class Gate:
    """Compares what the sampler reported with what the trainer finds."""

    def __init__(self, cfg: ParityConfig, policy: Policy, sampler: Sampler, sampling: SamplerConfig) -> None:
        self.cfg, self.policy, self.sampling = cfg, policy, sampling
        self.passed: Passed | None = None
        trainer = str(policy.model.dtype).removeprefix("torch.")
        # A sampler that does not say what it computes in is taken to compute as the trainer does.
        self.dtypes = str(getattr(sampler, "dtype", None) or trainer).removeprefix("torch."), trainer
        self.limit = "threshold" if set(self.dtypes) == {"float32"} else "threshold_bfloat16"

    def check(self, step: int, got: Collected, past: dict[str, Tensor]) -> dict[str, float]:
        """What to watch; ValueError, with what speaks for which cause, if the two are not the same."""
        rollouts = spread([[s.rollout for s in group if s.rollout.written] for group in got.groups], self.cfg.sequences)
        if not rollouts:
            return {}
        samples = [Sample(prompt_ids=r.prompt_ids, token_ids=r.token_ids, mask=r.mask) for r in rollouts]
        version = min(getattr(r, "version", 0) for r in rollouts)
        with as_of(past, self.policy.weights()):  # with a lag, the trainer has moved on since these were sampled
            evidence = Evidence(
                sampler=[masked_select(r.logprobs, r.mask) for r in rollouts],
                trainer=self._logprobs(samples),
                ended=[r.finish == "stop" for r in rollouts],
                threshold=getattr(self.cfg, self.limit),
                sampling=self.sampling,
                at_temperature=lambda t: self._at_temperature(samples, t),
                dtypes=self.dtypes,
                mean_before=self.passed.mean if self.passed and self.passed.weights < got.weights else None,
                version=version,
                version_before=self.passed.version if self.passed and self.passed.weights < got.weights else 0,
            )
            if not alike(evidence):
                raise ValueError(self._refusal(step, evidence))
        found = measured(evidence)
        self.passed = Passed(mean=found["parity/mean"], weights=got.weights, version=version)
        return found

    def _at_temperature(self, samples: Sequence[Sample], temperature: float) -> Rows:
        configured, self.policy.temperature = self.policy.temperature, temperature
        try:
            return self._logprobs(samples)
        finally:
            self.policy.temperature = configured

    def _logprobs(self, samples: Sequence[Sample]) -> Rows:
        return [masked_select(row, s.mask) for row, s in zip(self.policy.logprobs(samples), samples, strict=True)]

    def _refusal(self, step: int, e: Evidence) -> str:
        tokens = sum(map(len, e.trainer))
        return (
            f"the sampler's log-probs are not the trainer's, so step {step} was not trained on. On {tokens} tokens of "
            f"{len(e.trainer)} of its rollouts {e.in_figures()}; parity.{self.limit} allows a mean of {e.threshold:g}.\n"
            f"  {likeliest(e)}\n"
            f"  Once it is mended, the same command goes on. If you know why and accept it, raise parity.{self.limit}; "
            "parity.sequences=0 asks no more."
        )


def spread(groups: Sequence[Sequence[Rollout]], count: int) -> list[Rollout]:
    """So many of them, from all over the step; by twos, since training computes a prompt once for those that share it."""
    twos = [group[i : i + 2] for group in groups for i in range(0, len(group), 2)]
    chosen = min(-(-count // max(map(len, twos), default=1)), len(twos))
    places = [(2 * i + 1) * len(twos) // (2 * chosen) for i in range(chosen)]
    return [rollout for place in places for rollout in twos[place]][:count]


def alike(e: Evidence) -> bool:
    """Whether the differences are within the threshold: all together, and at both ends of the responses by themselves.

    The ends are held apart since one wrong token in a thousand would not show in the mean; being few they scatter more.
    """
    if not e.comparable():
        return False
    edges = [mean for mean in (e.first(), e.last()) if mean is not None]
    return e.mean() <= e.threshold and all(mean <= EDGE * e.threshold for mean in edges)


def measured(e: Evidence) -> dict[str, float]:
    """A mean, a largest, and the KL that the trained tokens give as well: k3, of the sampler against the trainer."""
    flat = [x for row in differences(e.sampler, e.trainer) for x in row]
    kl = float(k3(torch.tensor(flat, dtype=torch.float64)).mean())
    return {"parity/mean": statistics.fmean(map(abs, flat)), "parity/max": max(map(abs, flat)), "mismatch/kl": kl}
