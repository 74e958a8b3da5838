"""Findings on groups: all rewards equal, which teaches nothing."""

from __future__ import annotations

from r1lite.diagnosis.finding import Signs, finding
from r1lite.diagnosis.seen import Seen

DEAD = 0.95  # share of groups without signal, from which on there is next to nothing to train on


@finding("warning")
def all_wrong(seen: Seen) -> Signs | None:
    since = seen.since(lambda s: s.get("zero_variance_share") >= DEAD and s.get("rollouts/all_wrong") >= DEAD)
    if since is None:
        return None
    return Signs(
        since=since,
        title=f"no response is right in {seen.recent('rollouts/all_wrong'):.0%} of the groups, so there is nothing to learn from",
        evidence=seen.evidence("zero_variance_share", "rollouts/all_wrong", "rollouts/right", "reward/mean"),
        meaning="All rewards of a group are equal, and advantages are differences within a group. The problems are too hard.",
        overrides=[seen.override("own.group_size", 2 * seen.own("group_size", 8))],
    )
