"""Scored rollouts as tests need them."""

from __future__ import annotations

from r1lite.types import Problem, Rollout, Scored, Verdict

PROBLEM = Problem(id="p", prompt="?")


def scored(reward: float, *, tokens: int = 2, outcome: str = "scored", finish: str = "stop", **rules: float) -> Scored:
    """With the verdict of one rule, or of those that are named with their values."""
    rollout = Rollout(
        problem_id="p",
        index=0,
        prompt_ids=(1, 2, 3),
        token_ids=(7,) * tokens,
        logprobs=(-1.0,) * tokens,
        text="x",
        finish=finish,  # pyright: ignore
    )
    verdicts = {name: Verdict(value=value) for name, value in rules.items()} or {
        "rule": Verdict(value=reward if outcome == "scored" else None, outcome=outcome)  # pyright: ignore
    }
    return Scored(problem=PROBLEM, rollout=rollout, reward=reward, verdicts=verdicts)
