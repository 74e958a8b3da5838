"""Why a sampler's log-probs are not the trainer's: the usual causes, told apart by what each does to the differences.

Pure: plain numbers in, a sentence out. The first cause whose evidence is there is named; the figures are given in any case,
since two faults at once look like neither.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from r1lite.config import SamplerConfig

Rows = Sequence[Sequence[float]]

EDGE = 10.0  # the ends of a response may differ by so many times the threshold
OUTSTANDING = 3.0  # first tokens that differ by so many times what the rest does stand out
JUMP = 5.0  # a mean difference that grew so many times from one sync to the next did not drift there
FITS = 4.0  # another temperature explains the differences if it makes them so many times smaller
FEW = 0.15  # nats: a mean difference beyond it is no rounding
FIRSTS = (1, 4, 16)  # tokens, of which a wrong prompt spoils the most


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What is known of a few rollouts, a row for each."""

    sampler: Rows  # log-probs as reported
    trainer: Rows  # of the same tokens
    ended: Sequence[bool]  # whether the last token is an end token
    threshold: float
    sampling: SamplerConfig
    at_temperature: Callable[[float], Rows]  # the trainer's, if they were drawn at another one
    dtypes: tuple[str, str]  # of sampler and trainer
    mean_before: float | None = None  # of the last check, if the sampler was given other weights since
    version: int = 0  # the oldest that the sampler gave; 0 where it counts none
    version_before: int = 0  # at the last check, if it was given other weights since

    def comparable(self) -> bool:
        """Whether there is one number for each token."""
        lengths = [len(a) == len(b) for a, b in zip(self.sampler, self.trainer, strict=True)]
        return all(lengths) and all(math.isfinite(x) for row in self.sampler for x in row)

    def mean(self) -> float:
        return mean_of(differences(self.sampler, self.trainer))

    def first(self) -> float:
        return mean_of([row[:1] for row in differences(self.sampler, self.trainer)])

    def last(self) -> float | None:
        """Of the end tokens; None where no response came to its end."""
        found = [row[-1:] for row, ended in zip(differences(self.sampler, self.trainer), self.ended, strict=True) if ended]
        return mean_of(found) if found else None

    def in_figures(self) -> str:
        if not self.comparable():
            return "they cannot be compared"
        largest = max(abs(x) for row in differences(self.sampler, self.trainer) for x in row)
        last = self.last()
        ends = "" if last is None else f", {last:.2g} on end tokens"
        return f"they differ by {self.mean():.2g} in the mean, {largest:.2g} at most ({self.first():.2g} on first tokens{ends})"


def likeliest(e: Evidence) -> str:
    return next(found for cause in CAUSES if (found := cause(e)))


def not_comparable(e: Evidence) -> str | None:
    for reported, found in zip(e.sampler, e.trainer, strict=True):
        if len(reported) != len(found):
            return (
                f"One response has {len(found)} tokens and {len(reported)} log-probs: "
                "the sampler must report one for each token, the end token included."
            )
        if not all(map(math.isfinite, reported)):
            return "Some log-probs are no numbers: the sampler reports tokens as impossible that it drew."
    return None


def old_version(e: Evidence) -> str | None:
    if not 0 < e.version <= e.version_before:
        return None
    return f"Stale weights: new ones were loaded since the last check, and the sampler still calls its weights version {e.version}."


def temperature(e: Evidence) -> str | None:
    """At the right temperature the differences vanish; any other cause leaves most of them, whatever the temperature."""
    mean, configured = e.mean(), e.sampling.temperature
    left, fitted = best_temperature(e)
    if left > mean / FITS or abs(math.log(fitted / configured)) < 0.02:
        return None
    return (
        f"The temperature: they fit {fitted:.3g}, not sampler.temperature={configured:g} (there the mean difference is {left:.2g}). "
        "The sampler must report log-probs after the temperature is applied."
    )


def filtering(e: Evidence) -> str | None:
    """What is left after top-p or top-k shares the whole probability, so that every token seems likelier."""
    flat = [x for row in differences(e.sampler, e.trainer) for x in row]
    if (e.sampling.top_p == 1 and e.sampling.top_k == 0) or min(flat) < -e.threshold:
        return None
    return (
        f"Top-p or top-k: no token is less likely to the sampler (sampler.top_p={e.sampling.top_p:g}, top_k={e.sampling.top_k}). "
        "The sampler must report log-probs before they are applied."
    )


def end_token(e: Evidence) -> str | None:
    last = e.last()
    others = mean_of([row[:-1] if ended else row for row, ended in zip(differences(e.sampler, e.trainer), e.ended, strict=True)])
    if last is None or last <= e.threshold or others > e.threshold:
        return None
    return (
        f"The end token: the last token of a response differs by {last:.2g}, the others by {others:.2g}. "
        "Sampler and trainer do not mean the same token, or only one of them counts it."
    )


def stale(e: Evidence) -> str | None:
    if e.mean_before is None or e.mean() < JUMP * e.mean_before:
        return None
    return (
        f"Stale weights: before the last sync they differed by {e.mean_before:.2g}, after it by {e.mean():.2g}, "
        "so the sampler did not take the new weights over, or not all of them."
    )


def first_tokens(e: Evidence) -> str | None:
    rows = differences(e.sampler, e.trainer)
    for count in FIRSTS:
        early, later = mean_of([row[:count] for row in rows]), mean_of([row[count:] for row in rows])
        if later and early >= OUTSTANDING * later:
            return (
                f"The prompt: the first {count} tokens of a response differ by {early:.2g}, those after them by {later:.2g}. "
                "The sampler went on from other tokens than it reports: look at the chat template, prompt.prefill, "
                "and a begin token that is added twice."
            )
    return None


def precision(e: Evidence) -> str | None:
    flat = [x for row in differences(e.sampler, e.trainer) for x in row]
    mean = e.mean()
    if mean > FEW or abs(statistics.fmean(flat)) > mean / 2:
        return None
    return (
        f"Precision: a small difference everywhere, to both sides. The sampler computes in {e.dtypes[0]}, the trainer in {e.dtypes[1]}; "
        "give both the same, or look for weights or a cache that are quantised."
    )


def other_weights(e: Evidence) -> str:
    return (
        "Other weights: they differ all over the responses. Look whether the sampler serves this model, "
        "whether a load of weights failed silently, and whether it applies adapters as the trainer does."
    )


CAUSES: tuple[Callable[[Evidence], str | None], ...] = (
    not_comparable, old_version, temperature, filtering, end_token, stale, first_tokens, precision, other_weights,
)  # fmt: skip


def best_temperature(e: Evidence) -> tuple[float, float]:
    """The smallest mean difference at any temperature from a quarter to four, and where it is: a grid, then ever finer ones."""
    at, width = 0.0, 2.0  # of log2
    best = math.inf, 1.0
    while width > 0.005:
        best = min([best, *_tried(e, [at + width * i / 4 for i in range(-4, 5)])])
        at, width = math.log2(best[1]), width / 4
    return best


def _tried(e: Evidence, logs: Sequence[float]) -> Iterator[tuple[float, float]]:
    for log in logs:
        yield mean_of(differences(e.sampler, e.at_temperature(2.0**log))), 2.0**log


def differences(sampler: Rows, trainer: Rows) -> list[list[float]]:
    return [[a - b for a, b in zip(ours, theirs, strict=True)] for ours, theirs in zip(sampler, trainer, strict=True)]


def mean_of(rows: Rows) -> float:
    """Of the sizes; 0 where there is nothing."""
    sizes = [abs(x) for row in rows for x in row]
    return statistics.fmean(sizes) if sizes else 0.0
