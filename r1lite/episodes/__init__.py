"""Episodes: several turns of a model and an environment, which rules score as a whole.

    from r1lite.episodes import Episode, episode

    @episode("higher_or_lower")
    class HigherOrLower(Episode):
        def __init__(self, *, tries: int = 5) -> None: ...
        def reset(self, problem): ...    # the first messages
        def step(self, reply): ...       # more messages, or None if the episode is over

An environment is an object of its own for each rollout, in a worker process with a deadline and a memory cap. Its keyword-only
arguments are its options. What it says is read by the model and never trained on.
"""

from r1lite.episodes.contract import Answer, Episode, Insert, episode, episodes, say

__all__ = ["Answer", "Episode", "Insert", "episode", "episodes", "say"]
