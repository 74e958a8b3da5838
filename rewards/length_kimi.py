"""Reward by length within the group, as in Kimi k1.5: the shortest correct response gains most, the longest loses most.

Covered: linear from 0.5 for the group's shortest response to -0.5 for its longest; a wrong response never gains. Lengths are
in tokens; scoring.right_rule decides whether a response is correct, and a response that was cut off counts as wrong.
Not covered: groups whose responses are equally long; they get 0.
"""

from __future__ import annotations

from collections.abc import Sequence

from rewards import Problem, Rollout, Verdict, reward


# Because its parameter is named `rollouts`, the rule receives a whole group and returns one verdict per rollout.
@reward("length_kimi")
def length_kimi(problem: Problem, rollouts: Sequence[Rollout], *, right: Sequence[bool | None]) -> list[Verdict | None]:
    """Between 0.5 and -0.5 by length within the group. Abstains if nothing decides whether a response is correct.

    right: whether each response is correct; not an option, the scorer passes it
    """
    lengths = [r.written for r in rollouts]
    return [_verdict(is_right, rollout, min(lengths), max(lengths)) for rollout, is_right in zip(rollouts, right, strict=True)]


def _verdict(right: bool | None, rollout: Rollout, shortest: int, longest: int) -> Verdict | None:
    if right is None:
        return None
    tokens = rollout.written
    if shortest == longest:
        return Verdict(value=0.0, why=f"all responses have {tokens} tokens")
    right = right and rollout.finish != "length"
    gain = 0.5 - (tokens - shortest) / (longest - shortest)
    value = gain if right else min(0.0, gain)
    return Verdict(value=value, why=f"{'correct' if right else 'wrong'} in {tokens} tokens, the group has {shortest} to {longest}")
