"""How far is the response from the length that was asked for? A penalty alone: it never pays.

Covered: a target for all problems or one from a column; `over` punishes only what is longer. Not covered: what fills
the length: padding reaches a target too, so put `repetition` beside it, or use `over`.
"""

from __future__ import annotations

from rewards import Problem, Rollout, Verdict, needs, reward
from rewards._options import OptionError, at_least


@reward("length_target", penalty=True)
def length_target(problem: Problem, rollout: Rollout, *, target: int = 0, column: str = "", over: bool = False) -> Verdict:
    """0 at the target, falling in a line to -1 at no tokens and at twice the target; -1 beyond that.

    target: the length in tokens
    column: where each problem has a length of its own, the column that holds it
    over: whether only a response longer than the target loses
    """
    at_least("length_target", "target", target, 0)
    if bool(target) == bool(column):
        raise OptionError(f"rewards.length_target needs either target or column, got target={target} and column={column!r}")
    wanted = int(needs(problem, column)) if column else target
    if wanted < 1:
        raise ValueError(f"column {column!r} holds {wanted}; a target is at least 1 token")
    tokens = len(rollout.token_ids)
    away = max(0, tokens - wanted) if over else abs(tokens - wanted)
    return Verdict(value=-min(1.0, away / wanted), why=f"{tokens} tokens, {'at most ' if over else ''}{wanted} wanted")
