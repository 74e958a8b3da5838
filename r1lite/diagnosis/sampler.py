"""Findings on the sampler: another policy than the trained one, or an older one."""

from __future__ import annotations

from r1lite.diagnosis.finding import Signs, finding
from r1lite.diagnosis.seen import Seen

EXACT, ROUNDED = 1e-3, 0.02  # KL per token between equal policies: both in float32; one of them in bfloat16
AGED = 0.05  # KL per token that age may make, from which on ratios are far from 1
GROWTH = 3.0


def _limit(seen: Seen) -> float:
    kinds = {str(seen.settings.get(key, "auto")) for key in ("model.dtype", "sampler.dtype")}
    return EXACT if kinds <= {"auto", "float32"} and seen.settings.get("sampler.name", "native") == "native" else ROUNDED


def _ages(seen: Seen) -> bool:
    return bool(seen.own("lag", 0)) or bool(seen.own("replay", ""))


@finding("warning", explains=("sampler_differs", "ratio_runaway", "clip_share_high"))
def sampler_stale(seen: Seen) -> Signs | None:
    """The difference begins at 0 and grows with the policy: the sampler keeps old weights."""
    limit = _limit(seen)
    since = seen.since(lambda s: s.get("mismatch/kl") >= limit)
    began_equal = seen.first[0].get("mismatch/kl") < limit / GROWTH
    if since is None or _ages(seen) or not began_equal:
        return None
    return Signs(
        since=since,
        title=f"the sampler falls behind the trainer: they differ by {seen.recent('mismatch/kl'):.2g} nats per token, and began equal",
        evidence={**seen.evidence("mismatch/kl", "parity/mean"), "mismatch/kl at the start": seen.first[0].get("mismatch/kl")},
        meaning="New weights do not reach the sampler, or not all of them. The parity check stops such a run: switch it on.",
        overrides=["parity.sequences=4"],
    )


@finding("warning", explains=("ratio_runaway", "clip_share_high"))
def sampler_differs(seen: Seen) -> Signs | None:
    """Sampler and trainer differ from the start: temperature, precision, prompt or top-p."""
    limit = _limit(seen)
    since = seen.since(lambda s: s.get("mismatch/kl") >= limit)
    if since is None or _ages(seen):
        return None
    return Signs(
        since=since,
        title=f"the sampler's probabilities are not the trainer's: they differ by {seen.recent('mismatch/kl'):.2g} nats per token",
        evidence=seen.evidence("mismatch/kl", "parity/mean", "parity/max"),
        meaning="Both should compute the same function: compare temperature, precision and end token. The parity check names the cause.",
        overrides=["parity.sequences=4", "algorithm.correction=truncate"],
    )


@finding("warning")
def off_policy(seen: Seen) -> Signs | None:
    """Rollouts are so old that the policy has moved on."""
    since = seen.since(lambda s: s.get("mismatch/kl") >= AGED)
    if since is None or not _ages(seen):
        return None
    return Signs(
        since=since,
        title=f"rollouts are too old: the policy has moved by {seen.recent('mismatch/kl'):.2g} nats per token since they were sampled",
        evidence=seen.evidence("mismatch/kl", "staleness/mean", "ratio/clip_share", "update/size"),
        meaning="With a lag, each step trains on rollouts of earlier weights. Correct for it, sample closer to the policy, or move less.",
        overrides=["algorithm.correction=truncate", seen.override("own.lag", max(0, int(seen.own("lag", 1)) - 1))],
    )
