"""Findings from the error that ended a stage."""

from __future__ import annotations

from r1lite.diagnosis.finding import Signs
from r1lite.learning.optimiser import Diverged
from r1lite.rl.parity import Mismatch
from r1lite.scoring.scorer import RuleBroken


def from_error(error: BaseException, step: int) -> tuple[str, Signs] | None:
    """The name of a finding and its signs, of weight error; None for an error that is not about training."""
    match error:
        case RuleBroken():
            timed_out = error.outcome == "timed_out"
            return "rule_times_out" if timed_out else "rule_fails", _error(
                step,
                f"rule {error.rule!r} {'missed its deadline' if timed_out else 'raised an error'} too often, so the stage was stopped",
                {f"outcome/{error.rule}/{error.outcome}": error.share},
                "A rollout without a verdict cannot be trained on. Fix the rule, then run the same command again.",
                *(["scoring.seconds=10"] if timed_out else []),
            )
        case Mismatch():
            return "sampler_differs", _error(
                step,
                "the sampler's probabilities are not the trainer's, so the step was not trained on",
                error.metrics,
                error.cause,
                "algorithm.correction=truncate",
            )
        case Diverged():
            return "diverged", _error(step, "the loss or the gradient is not finite", {}, str(error), "rl.lr=1e-6")
    return None


def _error(step: int, title: str, evidence: dict[str, float], meaning: str, *overrides: str) -> Signs:
    return Signs(since=step, weight="error", title=title, evidence=evidence, meaning=meaning, overrides=overrides)
