"""The soft punishment of overlong responses (DAPO, eq. 13): nothing up to a point, then a line down to -1.

Covered: responses that were cut off at the limit score -1 whatever their length. Not covered: short ones.
"""

from rewards import Problem, Rollout, Verdict, reward
from rewards._options import OptionError


@reward("length", penalty=True)
def length(problem: Problem, rollout: Rollout, *, limit: int, margin: int) -> Verdict:
    """0 up to `limit - margin` tokens, then falling to -1 at `limit`."""
    if not 0 < margin <= limit:
        raise OptionError(f"rewards.length.margin must lie between 1 and limit ({limit}), got {margin}")
    tokens = len(rollout.token_ids)
    over = tokens - (limit - margin)
    if rollout.finish == "length" or over >= margin:
        return Verdict(value=-1.0, why=f"{tokens} tokens, limit {limit}")
    return Verdict(value=-max(0, over) / margin, why=f"{tokens} tokens, free up to {limit - margin}")
