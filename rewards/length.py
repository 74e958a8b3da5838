"""Soft penalty for overlong responses (DAPO, eq. 13): 0 up to a length, then linear to -1.

Covered: responses that were cut off get -1, whatever their length. Not covered: short responses.
"""

from rewards import Problem, Rollout, Verdict, reward
from rewards._options import OptionError


@reward("length", penalty=True)
def length(problem: Problem, rollout: Rollout, *, limit: int, margin: int) -> Verdict:
    """0 up to `limit - margin` tokens, then linear to -1 at `limit`.

    limit: the length in tokens from which on the penalty is -1
    margin: the number of tokens below the limit over which it grows
    """
    if not 0 < margin <= limit:
        raise OptionError(f"rewards.length.margin must be between 1 and limit ({limit}), got {margin}")
    tokens = rollout.written
    over = tokens - (limit - margin)
    if rollout.finish == "length" or over >= margin:
        return Verdict(value=-1.0, why=f"{tokens} tokens, limit {limit}")
    return Verdict(value=-max(0, over) / margin, why=f"{tokens} tokens, no penalty up to {limit - margin}")
