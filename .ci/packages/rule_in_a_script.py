"""Trains from a script that defines its own rule, which scoring workers cannot import."""

from r1lite.train import main
from rewards import Problem, Rollout, reward


@reward("flat")
def flat(problem: Problem, rollout: Rollout) -> float:
    return 1.0


main()
