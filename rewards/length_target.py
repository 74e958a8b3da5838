"""How far is the response from the target length? A penalty: it never pays.

Covered: one target for all problems, or one per problem from a column; with `over` only longer responses lose. Not covered: the
content. Padding reaches a target too, so use `repetition` beside this rule, or `over`.
"""

from __future__ import annotations

from rewards import Problem, Rollout, Verdict, needs, reward
from rewards._options import OptionError, at_least


@reward("length_target", penalty=True)
def length_target(problem: Problem, rollout: Rollout, *, target: int = 0, column: str = "", over: bool = False) -> Verdict:
    """0 at the target, linear to -1 at no tokens and at twice the target; -1 beyond that.

    target: the length in tokens
    column: the column that holds the target, if each problem has its own
    over: whether only responses longer than the target lose
    """
    at_least("length_target", "target", target, 0)
    if bool(target) == bool(column):
        raise OptionError(f"rewards.length_target needs either target or column, got target={target} and column={column!r}")
    length = int(needs(problem, column)) if column else target
    if length < 1:
        raise ValueError(f"column {column!r} holds {length}; a target is at least 1 token")
    tokens = rollout.written
    distance = max(0, tokens - length) if over else abs(tokens - length)
    return Verdict(value=-min(1.0, distance / length), why=f"{tokens} tokens, target {'at most ' if over else ''}{length}")
