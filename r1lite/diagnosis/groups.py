"""Findings on groups in which all responses are right, or none: they teach nothing about correctness, whatever other rules pay."""

from __future__ import annotations

from r1lite.diagnosis.finding import Signs, finding
from r1lite.diagnosis.seen import Seen

NONE_LEFT = 0.95  # share of such groups, from which on there is next to nothing to train on
FEW_LEFT = 0.7  # the same, from which on most of the sampling is wasted
LARGE = 16  # group size to compare a small one with


@finding("warning", explains=("all_wrong", "too_hard"))
def group_too_small(seen: Seen) -> Signs | None:
    """Correct answers occur, but seldom twice: larger groups would have signal."""
    size, p = seen.own("group_size", 8), seen.recent("rollouts/right", 10)
    since = seen.since(lambda s: s.get("rollouts/all_wrong") >= FEW_LEFT)
    mixed = seen.recent("rollouts/all_wrong", 10) < 1
    if since is None or size >= 8 or not mixed or not 0.01 <= p <= 0.4 or _live(p, LARGE) < 3 * _live(p, size):
        return None
    return Signs(
        since=since,
        title=f"groups of {size} are too small: {p:.0%} of the responses are right, so {_live(p, size):.0%} of the groups have signal; "
        f"of {LARGE}, {_live(p, LARGE):.0%} would have",
        evidence=seen.evidence("zero_variance_share", "rollouts/right", "rollouts/all_wrong"),
        meaning="With the same number of rollouts, fewer prompts and larger groups teach more.",
        overrides=[
            seen.override("own.group_size", LARGE),
            seen.override("own.prompts_per_step", max(1, seen.own("prompts_per_step", 64) * size // LARGE)),
        ],
    )


def _live(p: float, size: int) -> float:
    """The share of groups with signal, if each response is right with probability p."""
    return 1 - p**size - (1 - p) ** size


@finding("warning", explains=("too_hard",))
def all_wrong(seen: Seen) -> Signs | None:
    since = seen.since(lambda s: s.get("rollouts/all_wrong") >= NONE_LEFT)
    if since is None:
        return None
    return Signs(
        since=since,
        title=f"no response is right in {seen.recent('rollouts/all_wrong'):.0%} of the groups, so none can be learnt from",
        evidence=seen.evidence("zero_variance_share", "rollouts/all_wrong", "rollouts/right", "rollouts/answered", "reward/mean"),
        meaning="Advantages are differences within a group: what differs here is paid by other rules. The problems are too hard.",
        overrides=_easier(seen),
    )


@finding("warning", explains=("too_easy",))
def all_right(seen: Seen) -> Signs | None:
    return _solved(seen, NONE_LEFT, "there is nothing left to learn")


@finding("warning")
def too_hard(seen: Seen) -> Signs | None:
    since = seen.since(lambda s: s.get("rollouts/all_wrong") >= FEW_LEFT, steps=5)
    if since is None:
        return None
    return Signs(
        since=since,
        title=f"the problems are too hard: {seen.recent('rollouts/all_wrong'):.0%} of the groups have no right response",
        evidence=seen.evidence("zero_variance_share", "rollouts/all_wrong", "rollouts/right"),
        meaning="Most of what is sampled teaches nothing. Take easier problems first, or sample more of each.",
        overrides=_easier(seen),
    )


@finding("warning")
def too_easy(seen: Seen) -> Signs | None:
    return _solved(seen, FEW_LEFT, "most of what is sampled teaches nothing", steps=5)


def _solved(seen: Seen, share: float, consequence: str, steps: int = 3) -> Signs | None:
    since = seen.since(lambda s: s.get("rollouts/all_right") >= share, steps=steps)
    if since is None:
        return None
    learnt = seen.gain("rollouts/right") >= 0.1
    return Signs(
        since=since,
        weight="note" if learnt else "warning",
        title=f"all responses are right in {seen.recent('rollouts/all_right'):.0%} of the groups: {consequence}",
        evidence=seen.evidence("zero_variance_share", "rollouts/all_right", "rollouts/right"),
        meaning="The model has learnt these problems." if learnt else "The problems are too easy for this model.",
        overrides=[seen.override("own.curriculum.revisit", 0.1), "task.difficulty=hard"],
    )


def _easier(seen: Seen) -> list[str]:
    return [seen.override("own.group_size", 2 * seen.own("group_size", 8)), "task.difficulty=easy", "algorithm.refill_rounds=3"]


@finding("warning")
def source_dead(seen: Seen) -> Signs | None:
    """One part of a mixture teaches nothing, while another one does."""
    keys = [key for key in seen.keys("rollouts/source/") if key.endswith("/dead")]
    live = [key for key in keys if seen.recent(key, 5) <= 0.8]
    for key in keys if live else ():
        since = seen.since(lambda s, key=key: not s.get(key) < NONE_LEFT, steps=5)
        if since is not None and seen.recent(key, 5) >= NONE_LEFT:
            label = key.split("/")[2]
            right = seen.recent(f"rollouts/source/{label}/right", 5)
            return Signs(
                since=since,
                title=f"part {label!r} of the mixture teaches nothing: {seen.recent(key, 5):.0%} of its groups are all right or all wrong",
                evidence=seen.evidence(key, f"rollouts/source/{label}/right", *live),
                meaning=f"{right:.0%} of its responses are right: it is too {'easy' if right > 0.5 else 'hard'}. Its rollouts are wasted.",
                overrides=[f"task.parts.{label}.difficulty={'hard' if right > 0.5 else 'easy'}"],
            )
    return None
