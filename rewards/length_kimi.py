"""Length compared within the group, as Kimi k1.5 does: the shortest right response gains most, the longest loses most.

Covered: 0.5 at the group's shortest to -0.5 at its longest, in a line between; a wrong response never gains. Lengths count
in tokens; right or wrong is what scoring.right_rule says, and a response that was cut off is wrong. Not covered: groups
whose responses are all of one length, which carry no signal and get 0.
"""

from __future__ import annotations

from collections.abc import Sequence

from rewards import Problem, Rollout, Verdict, reward


# The second parameter's name says that the rule sees a whole group and answers with one verdict a rollout.
@reward("length_kimi")
def length_kimi(problem: Problem, rollouts: Sequence[Rollout], *, right: Sequence[bool | None]) -> list[Verdict | None]:
    """Between 0.5 and -0.5 by length within the group. Abstains where nothing says whether a response is right.

    right: whether each response is right; not an option, the scorer fills it in
    """
    lengths = [len(r.token_ids) for r in rollouts]
    return [_verdict(ok, rollout, min(lengths), max(lengths)) for rollout, ok in zip(rollouts, right, strict=True)]


def _verdict(right: bool | None, rollout: Rollout, shortest: int, longest: int) -> Verdict | None:
    if right is None:
        return None
    tokens = len(rollout.token_ids)
    if shortest == longest:
        return Verdict(value=0.0, why=f"all responses have {tokens} tokens")
    right = right and rollout.finish != "length"
    gain = 0.5 - (tokens - shortest) / (longest - shortest)
    value = gain if right else min(0.0, gain)
    return Verdict(value=value, why=f"{'right' if right else 'wrong'} in {tokens} tokens, the group has {shortest} to {longest}")
