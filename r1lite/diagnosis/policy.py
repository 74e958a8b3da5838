"""Findings on the policy: its entropy, and how far it moves within a step and from its reference."""

from __future__ import annotations

from r1lite.diagnosis.finding import Signs, finding
from r1lite.diagnosis.seen import Seen

FALLEN, RISEN = 0.2, 3.0  # of the entropy at the start
NOISE = 0.5  # nats per token that a model which reasons has no use for, if it began far below
FAR = 1.0  # nats per token from the reference
CLIPPED = 0.1  # share of tokens that the gate stops
MOVED = 0.25  # of the mean ratio from 1


@finding("warning")
def entropy_collapse(seen: Seen) -> Signs | None:
    """The model became certain without becoming right."""
    start = seen.start("entropy")
    since = seen.since(lambda s: s.get("entropy") <= FALLEN * start)
    if since is None or not seen.gain("rollouts/right") < 0.1 or seen.recent("rollouts/right") >= 0.9:
        return None
    return Signs(
        since=since,
        title=f"entropy collapsed from {start:.2g} to {seen.recent('entropy'):.2g} nats per token, and answers are no better",
        evidence=seen.evidence("entropy", "rollouts/distinct", "zero_variance_share", "rollouts/right"),
        meaning="All responses to a problem are becoming the same, so groups lose their signal and nothing new is tried.",
        overrides=[seen.override("own.lr", seen.own("lr", 1e-6) / 3), "algorithm.clip_high=0.28", "algorithm.entropy_coef=0"],
    )


@finding("warning", explains=("length_explosion", "looping", "cut_off", "all_wrong", "too_hard", "format_starved"))
def entropy_explosion(seen: Seen) -> Signs | None:
    """The model became uncertain: it writes noise."""
    start = seen.start("entropy")
    since = seen.since(lambda s: s.get("entropy") >= max(NOISE, RISEN * start))
    if since is None or not seen.gain("rollouts/right") < 0.03:
        return None
    coefficient = seen.settings.get("algorithm.entropy_coef", 0.0)
    return Signs(
        since=since,
        title=f"entropy exploded from {start:.2g} to {seen.recent('entropy'):.2g} nats per token",
        evidence=seen.evidence("entropy", "rollouts/right", "response/clipped_share", "ratio/clip_share"),
        meaning="The model writes more and more noise."
        + (
            f" The entropy bonus ({coefficient:g}) pays for it."
            if coefficient
            else " Its steps are too large, or negative advantages dominate."
        ),
        overrides=["algorithm.entropy_coef=0"] if coefficient else [seen.override("own.lr", seen.own("lr", 1e-6) / 3)],
    )


@finding("warning")
def kl_runaway(seen: Seen) -> Signs | None:
    since = seen.since(lambda s: s.get("kl") >= FAR)
    if since is None:
        return None
    return Signs(
        since=since,
        title=f"the policy is {seen.recent('kl'):.2g} nats per token away from its reference",
        evidence=seen.evidence("kl", "rollouts/right", "entropy", "update/size"),
        meaning="At this distance the reference says nothing about what the policy writes. Move less, or hold it more firmly.",
        overrides=[seen.override("own.lr", seen.own("lr", 1e-6) / 3), "algorithm.kl_coef=0.04"],
    )


@finding("warning", explains=("clip_share_high",))
def ratio_runaway(seen: Seen) -> Signs | None:
    since = seen.since(lambda s: abs(s.get("ratio/mean") - 1) >= MOVED)
    if since is None:
        return None
    return Signs(
        since=since,
        title=f"within a step the probability ratio moves to {seen.recent('ratio/mean'):.2g} on average",
        evidence=seen.evidence("ratio/mean", "ratio/clip_share", "update/size"),
        meaning="The later updates of a step train on rollouts that the policy would not write any more.",
        overrides=_smaller_steps(seen),
    )


@finding("warning")
def clip_share_high(seen: Seen) -> Signs | None:
    """Of ratios of tokens only: those of whole sequences have narrow ranges, and stop a larger share as designed."""
    since = seen.since(lambda s: s.get("ratio/clip_share") >= CLIPPED)
    by_token = seen.settings.get("algorithm.ratio", "token") == "token" and seen.settings.get("algorithm.gate", "clip") == "clip"
    if since is None or not by_token:
        return None
    return Signs(
        since=since,
        title=f"{seen.recent('ratio/clip_share'):.0%} of the tokens are clipped, and get no gradient",
        evidence=seen.evidence("ratio/clip_share", "ratio/mean", "update/size"),
        meaning="Within a step the policy moves further than the clip range: too many updates of the same rollouts, or too large ones.",
        overrides=_smaller_steps(seen),
    )


def _smaller_steps(seen: Seen) -> list[str]:
    several = [f"own.{name}" for name in ("epochs", "updates_per_step") if (seen.own(name, 1) or 1) > 1]
    return [seen.override(key, 1) for key in several[:1]] or [seen.override("own.lr", seen.own("lr", 1e-6) / 3)]
