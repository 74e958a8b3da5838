"""Length paid along half a cosine: a right answer the more the shorter it is, a wrong one the less the shorter it is.

Covered: right or wrong is what scoring.right_rule says; lengths count in tokens, and past the limit nothing climbs back;
a response that was cut off gets `cut` whatever it says. Not covered: what the tokens say. A wrong response loses less for
being long, so put `repetition` beside it.
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
    """From the short value at 0 tokens to the long one at `limit`, and no further. Abstains where nothing says whether it is right.

    right: whether the response is right; not an option, the scorer fills it in
    limit: the length in tokens at which the long values are reached
    right_short, right_long, wrong_short, wrong_long: the ends of the two curves
    cut: the value of a response that was cut off
    """
    at_least("length_cosine", "limit", limit, 1)
    if right is None:
        return None
    tokens = len(rollout.token_ids)
    if rollout.finish == "length":
        return Verdict(value=cut, why=f"cut off after {tokens} tokens")
    short, long = (right_short, right_long) if right else (wrong_short, wrong_long)
    value = long + (short - long) * (1 + math.cos(math.pi * min(1.0, tokens / limit))) / 2
    return Verdict(value=value, why=f"{'right' if right else 'wrong'} in {tokens} tokens, limit {limit}")
