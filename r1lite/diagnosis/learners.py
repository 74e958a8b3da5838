"""Findings on the critic, and on preferences."""

from __future__ import annotations

from r1lite.diagnosis.finding import Signs, finding
from r1lite.diagnosis.seen import Seen

KNOWS_NOTHING = 0.02  # share of the returns' variance
FALLS = -0.1  # implicit reward, beta times the change of the log-prob


@finding("warning")
def critic_useless(seen: Seen) -> Signs | None:
    since = seen.since(lambda s: s.get("critic/explained_variance") <= KNOWS_NOTHING, steps=8)
    if since is None:
        return None
    lr = float(seen.settings.get("algorithm.critic_lr", 1e-5))
    return Signs(
        since=since,
        title=f"the critic explains {seen.recent('critic/explained_variance'):.1%} of the returns' variance",
        evidence=seen.evidence("critic/explained_variance", "critic/loss", "critic/value_mean", "reward/mean"),
        meaning="Its values are no better than a constant, and add noise to every advantage. Teach it faster, or do without one.",
        overrides=[f"algorithm.critic_lr={10 * lr:g}", "algorithm=grpo"],
    )


@finding("warning", stages=("dpo",))
def both_sides_fall(seen: Seen) -> Signs | None:
    since = seen.since(lambda s: s.get("reward/chosen") <= FALLS and s.get("reward/rejected") <= FALLS)
    if since is None:
        return None
    return Signs(
        since=since,
        title="both sides fall: the preferred responses become less likely as well, only more slowly",
        evidence=seen.evidence("reward/chosen", "reward/rejected", "margin", "accuracy"),
        meaning="Responses that are in no pair gain. Hold the preferred ones up with their own loss, or take smaller steps.",
        overrides=[
            seen.override("own.nll_coef", max(0.2, 2 * float(seen.own("nll_coef", 0.0)))),
            seen.override("own.lr", seen.own("lr") / 3),
        ],
    )


@finding("warning", stages=("dpo", "reward_model"))
def preferences_not_learnt(seen: Seen) -> Signs | None:
    since = seen.since(lambda s: s.get("accuracy") <= 0.55, steps=10)
    if since is None:
        return None
    return Signs(
        since=since,
        title=f"preferred and rejected responses are told apart in {seen.recent('accuracy', 10):.0%} of the pairs, as by chance",
        evidence=seen.evidence("accuracy", "margin", "loss", "update/size"),
        meaning="Nothing is learnt from the pairs: lr is too small, or chosen and rejected are mixed up in part of the data.",
        overrides=[seen.override("own.lr", 3 * seen.own("lr"))],
    )
