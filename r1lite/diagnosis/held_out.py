"""A finding after a stage: what it learnt on its training problems does not show on held-out ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from r1lite.diagnosis.finding import Signs
from r1lite.diagnosis.seen import Seen

LEARNT = 0.1  # gain of reward in training, as a share of what a correct response is worth, that should show
SHARE = 0.25  # of that gain, which is to be seen on held-out problems


def held_out_flat(seen: Seen, before: float, after: float, problems: int) -> Signs | None:
    """`before` and `after` are pass@1 on held-out problems; less than two standard errors are no gain."""
    worth = abs([*seen.rules().values(), 1.0][0])
    learnt, gained = seen.gain("reward/mean") / worth, after - before
    error = math.sqrt((before * (1 - before) + after * (1 - after)) / max(1, problems))
    if not learnt >= LEARNT or gained >= SHARE * learnt or gained >= 2 * error:
        return None
    return Signs(
        since=seen.now.number,
        title=f"the reward rose by {seen.gain('reward/mean'):.2g} in training, and pass@1 on held-out problems by {gained:+.1%}",
        evidence={**seen.evidence("reward/mean", "rollouts/right"), "pass@1 before": before, "pass@1": after},
        meaning="The model learnt its training problems by heart, or what other rules pay for. Use more problems, or fewer steps.",
        overrides=[seen.override("own.steps", max(1, seen.own("steps", 2) // 2))],
    )


def compared(entries: Sequence[Mapping[str, Any]], name: str) -> tuple[float, float] | None:
    """pass@1 of the models before and after a stage, from the entries of summary.json; None if one was not evaluated."""
    scores = [entry.get("eval", {}).get("pass@1") for entry in entries]
    at = next((i for i, entry in enumerate(entries) if entry["name"] == name), 0)
    before, after = (scores[at - 1], scores[at]) if at else (None, None)
    return (before, after) if before is not None and after is not None else None
