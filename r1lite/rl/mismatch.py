"""Diagnoses why a sampler's log-probs differ from the trainer's, by what each usual cause does to the differences.

Pure: plain numbers in, a sentence out. The first cause that the evidence supports is named. The figures are always reported
as well, since two faults at once may look like a third one.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from r1lite.config import SamplerConfig

Rows = Sequence[Sequence[float]]

EDGE_FACTOR = 10.0  # first and last tokens may differ by this multiple of the threshold
FIRST_TOKENS_FACTOR = 3.0  # the first tokens stand out if they differ by this multiple of the rest
STALE_FACTOR = 5.0  # if the mean difference grew this many times over one sync, that is not drift
TEMPERATURE_FACTOR = 4.0  # another temperature is the cause if it makes the differences this many times smaller
MAX_ROUNDING = 0.15  # nats: a larger mean difference is not a matter of precision
FIRST_TOKENS = (1, 4, 16)  # how many tokens after a wrong prompt to compare with the rest


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What is known about a few rollouts, one row per rollout."""

    sampler: Rows  # log-probs that the sampler reported
    trainer: Rows  # log-probs of the same tokens by the trainer
    ended: Sequence[bool]  # whether the last token is an end token
    threshold: float
    sampling: SamplerConfig
    at_temperature: Callable[[float], Rows]  # the trainer's log-probs at another sampling temperature
    dtypes: tuple[str, str]  # of sampler and trainer
    mean_before: float | None = None  # mean difference at the last check, if the sampler has loaded weights since
    version: int = 0  # the oldest version that the sampler reports; 0 if it counts none
    version_before: int = 0  # the version at the last check, if the sampler has loaded weights since

    def comparable(self) -> bool:
        """Whether there is one finite number for each token."""
        lengths = [len(a) == len(b) for a, b in zip(self.sampler, self.trainer, strict=True)]
        return all(lengths) and all(math.isfinite(x) for row in self.sampler for x in row)

    def mean(self) -> float:
        return mean_size(differences(self.sampler, self.trainer))

    def first(self) -> float:
        """The mean over the first tokens of the responses."""
        return mean_size([row[:1] for row in differences(self.sampler, self.trainer)])

    def last(self) -> float | None:
        """The mean over the end tokens; None if no response ended."""
        rows = [row[-1:] for row, ended in zip(differences(self.sampler, self.trainer), self.ended, strict=True) if ended]
        return mean_size(rows) if rows else None

    def summary(self) -> str:
        if not self.comparable():
            return "they cannot be compared"
        largest = max(abs(x) for row in differences(self.sampler, self.trainer) for x in row)
        last = self.last()
        ends = "" if last is None else f", {last:.2g} on end tokens"
        return f"they differ by {self.mean():.2g} on average and {largest:.2g} at most ({self.first():.2g} on first tokens{ends})"


def likely_cause(e: Evidence) -> str:
    return next(sentence for cause in CAUSES if (sentence := cause(e)))


def not_comparable(e: Evidence) -> str | None:
    for reported, computed in zip(e.sampler, e.trainer, strict=True):
        if len(reported) != len(computed):
            return (
                f"One response has {len(computed)} tokens but {len(reported)} log-probs: "
                "the sampler must report one for each token, including the end token."
            )
        if not all(map(math.isfinite, reported)):
            return "Some log-probs are not finite: the sampler reports tokens that it sampled as impossible."
    return None


def old_version(e: Evidence) -> str | None:
    if not 0 < e.version <= e.version_before:
        return None
    return f"Stale weights: new weights were loaded since the last check, but the sampler still reports version {e.version}."


def temperature(e: Evidence) -> str | None:
    """At the right temperature the differences vanish. Any other cause leaves most of them, whatever the temperature."""
    mean, configured = e.mean(), e.sampling.temperature
    remaining, fitted = best_temperature(e)
    if remaining > mean / TEMPERATURE_FACTOR or abs(math.log(fitted / configured)) < 0.02:
        return None
    return (
        f"Temperature: they fit {fitted:.3g}, not sampler.temperature={configured:g} (the mean difference falls to {remaining:.2g}). "
        "The sampler must report log-probs after applying the temperature."
    )


def filtering(e: Evidence) -> str | None:
    """The tokens left after top-p or top-k share the whole probability, so each looks more likely to the sampler."""
    flat = [x for row in differences(e.sampler, e.trainer) for x in row]
    if (e.sampling.top_p == 1 and e.sampling.top_k == 0) or min(flat) < -e.threshold:
        return None
    return (
        "Top-p or top-k: no token is less likely by the sampler's log-probs than by the trainer's "
        f"(sampler.top_p={e.sampling.top_p:g}, top_k={e.sampling.top_k}). The sampler must report log-probs before applying them."
    )


def end_token(e: Evidence) -> str | None:
    last = e.last()
    others = mean_size([row[:-1] if ended else row for row, ended in zip(differences(e.sampler, e.trainer), e.ended, strict=True)])
    if last is None or last <= e.threshold or others > e.threshold:
        return None
    return (
        f"End token: the last token of a response differs by {last:.2g}, the others by {others:.2g}. "
        "Sampler and trainer use different end tokens, or only one of them counts it."
    )


def stale(e: Evidence) -> str | None:
    if e.mean_before is None or e.mean() < STALE_FACTOR * e.mean_before:
        return None
    return (
        f"Stale weights: before the last sync they differed by {e.mean_before:.2g}, after it by {e.mean():.2g}, "
        "so the sampler did not load the new weights, or not all of them."
    )


def first_tokens(e: Evidence) -> str | None:
    rows = differences(e.sampler, e.trainer)
    for count in FIRST_TOKENS:
        early, later = mean_size([row[:count] for row in rows]), mean_size([row[count:] for row in rows])
        if later and early >= FIRST_TOKENS_FACTOR * later:
            return (
                f"Prompt: the first {count} tokens of a response differ by {early:.2g}, later ones by {later:.2g}. "
                "The sampler continued a different prompt than it reports: check the chat template, prompt.prefill, "
                "and whether the begin-of-text token is added twice."
            )
    return None


def precision(e: Evidence) -> str | None:
    flat = [x for row in differences(e.sampler, e.trainer) for x in row]
    mean = e.mean()
    if mean > MAX_ROUNDING or abs(statistics.fmean(flat)) > mean / 2:
        return None
    return (
        "Precision: small differences everywhere, in both directions. "
        f"The sampler computes in {e.dtypes[0]}, the trainer in {e.dtypes[1]}; "
        "use one dtype for both, or check for quantised weights or a quantised cache."
    )


def other_weights(e: Evidence) -> str:
    return (
        "Other weights: they differ throughout the responses. Check that the sampler serves this model, "
        "that no load of weights failed silently, and that it applies adapters as the trainer does."
    )


CAUSES: tuple[Callable[[Evidence], str | None], ...] = (
    not_comparable, old_version, temperature, filtering, end_token, stale, first_tokens, precision, other_weights,
)  # fmt: skip


def best_temperature(e: Evidence) -> tuple[float, float]:
    """The smallest mean difference at any temperature from a quarter to four, and that temperature, by successively finer grids."""
    at, width = 0.0, 2.0  # of log2
    best = math.inf, 1.0
    while width > 0.005:
        best = min([best, *_mean_differences(e, [at + width * i / 4 for i in range(-4, 5)])])
        at, width = math.log2(best[1]), width / 4
    return best


def _mean_differences(e: Evidence, logs: Sequence[float]) -> Iterator[tuple[float, float]]:
    """The mean difference at each temperature, and the temperature."""
    for log in logs:
        yield mean_size(differences(e.sampler, e.at_temperature(2.0**log))), 2.0**log


def differences(sampler: Rows, trainer: Rows) -> list[list[float]]:
    return [[a - b for a, b in zip(reported, computed, strict=True)] for reported, computed in zip(sampler, trainer, strict=True)]


def mean_size(rows: Rows) -> float:
    """The mean of the absolute values; 0 if there are none."""
    sizes = [abs(x) for row in rows for x in row]
    return statistics.fmean(sizes) if sizes else 0.0
