"""Reward by length along half a cosine: a correct response earns more if it is short, a wrong one loses less if it is long.

Covered: scoring.right_rule decides whether the response is correct; lengths are in tokens, and beyond the limit the value stays
constant; a response that was cut off gets `cut`. Not covered: the content. A wrong response loses less if it is long,
so use `repetition` beside this rule.
"""

from __future__ import annotations

import math

from rewards import Problem, Rollout, Verdict, reward
from rewards._options import at_least


@reward("length_cosine")
def length_cosine(
    problem: Problem,
    rollout: Rollout,
    *,
    right: bool | None,
    limit: int,
    right_short: float = 1.0,
    right_long: float = 0.5,
    wrong_short: float = -1.0,
    wrong_long: float = -0.5,
    cut: float = -1.0,
) -> Verdict | None:
    """From the short value at 0 tokens to the long value at `limit` and beyond. Abstains if nothing decides whether it is correct.

    right: whether the response is correct; not an option, the scorer passes it
    limit: the length in tokens at which the long values are reached
    right_short, right_long, wrong_short, wrong_long: the ends of the two curves
    cut: the value of a response that was cut off
    """
    at_least("length_cosine", "limit", limit, 1)
    if right is None:
        return None
    tokens = rollout.written
    if rollout.finish == "length":
        return Verdict(value=cut, why=f"cut off after {tokens} tokens")
    short, long = (right_short, right_long) if right else (wrong_short, wrong_long)
    value = long + (short - long) * (1 + math.cos(math.pi * min(1.0, tokens / limit))) / 2
    return Verdict(value=value, why=f"{'correct' if right else 'wrong'} in {tokens} tokens, limit {limit}")
