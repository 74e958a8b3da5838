"""The parity check: sampler and trainer must give the same tokens the same log-probs before a step is trained on.

A few rollouts of every step go through the trainer as they were sampled: after the first load, after resuming, after every
sync. Covered: anything that makes the two models differ on the sampled tokens, such as weights, prompt, temperature, end token
or precision. Not covered: faults that both share, such as a wrong prompt, and a sampler that draws from another distribution
than the one it reports.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from r1lite.config import ParityConfig, SamplerConfig
from r1lite.learning.policy import Policy
from r1lite.learning.sharding import whole_dtype
from r1lite.losses.parts import k3
from r1lite.parallel import world
from r1lite.rl.collect import Collected
from r1lite.rl.mismatch import EDGE_FACTOR, Evidence, Rows, differences, likely_cause
from r1lite.rl.prefetch import temporary_weights
from r1lite.types import Rollout, Sample, Sampler, masked_select


class Mismatch(ValueError):
    """Sampler and trainer differ too much to be trained on."""

    def __init__(self, message: str, metrics: dict[str, float], cause: str) -> None:
        super().__init__(message)
        self.metrics, self.cause = metrics, cause


@dataclass(frozen=True, kw_only=True, slots=True)
class Passed:
    """The figures of the last check that passed, for comparison."""

    mean: float  # difference of log-probs
    weights_step: int  # how many training steps the sampler's weights had taken
    version: int  # of the weights, as reported by the sampler; 0 if it counts none


class ParityCheck:
    """Compares the log-probs that the sampler reported with those that the trainer computes."""

    def __init__(self, cfg: ParityConfig, policy: Policy, sampler: Sampler, sampling: SamplerConfig) -> None:
        self.cfg, self.policy, self.sampling = cfg, policy, sampling
        self.passed: Passed | None = None
        trainer = str(whole_dtype(policy.model)).removeprefix("torch.")
        # A sampler that does not state its dtype is assumed to compute in the trainer's.
        self.dtypes = str(getattr(sampler, "dtype", None) or trainer).removeprefix("torch."), trainer
        self.limit = "threshold" if set(self.dtypes) == {"float32"} else "threshold_bfloat16"

    def check(self, step: int, collected: Collected, past: dict[str, Tensor]) -> dict[str, float]:
        """The metrics of the check; ValueError with a likely cause if the log-probs differ too much."""
        rollouts = self._chosen(collected) if collected.probes is None else collected.probes
        if not rollouts or not self.cfg.sequences:
            return {}
        samples = [Sample(prompt_ids=r.prompt_ids, token_ids=r.token_ids, mask=r.mask) for r in rollouts]
        version = min(getattr(r, "version", 0) for r in rollouts)
        with temporary_weights(past, self.policy.weights()):  # with a lag, the trainer has changed since these were sampled
            evidence = Evidence(
                sampler=[masked_select(r.logprobs, r.mask) for r in rollouts],
                trainer=self._logprobs(samples),
                ended=[r.finish == "stop" for r in rollouts],
                threshold=getattr(self.cfg, self.limit),
                sampling=self.sampling,
                at_temperature=lambda t: self._at_temperature(samples, t),
                dtypes=self.dtypes,
                mean_before=self.passed.mean if self.passed and self.passed.weights_step < collected.weights_step else None,
                version=version,
                version_before=self.passed.version if self.passed and self.passed.weights_step < collected.weights_step else 0,
            )
            if not within_threshold(evidence):
                raise self._refusal(step, evidence)
        metrics = parity_metrics(evidence)
        self.passed = Passed(mean=metrics["parity/mean"], weights_step=collected.weights_step, version=version)
        return metrics

    def _chosen(self, collected: Collected) -> list[Rollout]:
        """Rollouts of every rank's sampler, since any of them may be stale."""
        written = [[s.rollout for s in group if s.rollout.written] for group in collected.groups]
        of_ranks = [[group for group, by in zip(written, collected.sampled_by, strict=True) if by == r] for r in range(world.size())]
        return [rollout for groups in of_ranks for rollout in spread(groups, self.cfg.sequences)]

    def _at_temperature(self, samples: Sequence[Sample], temperature: float) -> Rows:
        configured, self.policy.temperature = self.policy.temperature, temperature
        try:
            return self._logprobs(samples)
        finally:
            self.policy.temperature = configured

    def _logprobs(self, samples: Sequence[Sample]) -> Rows:
        return [masked_select(row, s.mask) for row, s in zip(self.policy.logprobs(samples), samples, strict=True)]

    def _refusal(self, step: int, e: Evidence) -> Mismatch:
        tokens, cause = sum(map(len, e.trainer)), likely_cause(e)
        message = (
            f"the sampler's log-probs are not the trainer's, so step {step} was not trained on. On {tokens} tokens of "
            f"{len(e.trainer)} of its rollouts {e.summary()}; parity.{self.limit} allows a mean of {e.threshold:g}.\n"
            f"  {cause}\n"
            f"  Once this is fixed, the same command resumes the run. If you know the cause and accept it, raise parity.{self.limit}; "
            "parity.sequences=0 disables the check."
        )
        return Mismatch(message, parity_metrics(e) if e.comparable() else {}, cause)


def spread(groups: Sequence[Sequence[Rollout]], count: int) -> list[Rollout]:
    """`count` rollouts from all over the step, in pairs of one prompt, since training computes a shared prompt once."""
    pairs = [group[i : i + 2] for group in groups for i in range(0, len(group), 2)]
    chosen = min(-(-count // max(map(len, pairs), default=1)), len(pairs))
    places = [(2 * i + 1) * len(pairs) // (2 * chosen) for i in range(chosen)]
    return [rollout for place in places for rollout in pairs[place]][:count]


def within_threshold(e: Evidence) -> bool:
    """Whether the differences are within the threshold: over all tokens, and over first and last tokens separately.

    One wrong token in a thousand would not show in the overall mean. The threshold of first and last tokens is higher, since
    a mean over few tokens varies more.
    """
    if not e.comparable():
        return False
    edges = [mean for mean in (e.first(), e.last()) if mean is not None]
    return e.mean() <= e.threshold and all(mean <= EDGE_FACTOR * e.threshold for mean in edges)


def parity_metrics(e: Evidence) -> dict[str, float]:
    """Mean and largest difference, and the KL of the sampler from the trainer by the k3 estimator, as training reports it."""
    flat = [x for row in differences(e.sampler, e.trainer) for x in row]
    kl = float(k3(torch.tensor(flat, dtype=torch.float64)).mean())
    return {"parity/mean": statistics.fmean(map(abs, flat)), "parity/max": max(map(abs, flat)), "mismatch/kl": kl}
