"""Does the program in the response pass the tests? Not there yet: it refuses to be chosen until the sandbox can run programs.

The interface is settled, so that tasks and configs can be written for it. A problem brings its tests in a column, a
list of `{"stdin": ..., "stdout": ...}`; an empty list is an error and never a success. The last fenced block is run once a
test, apart from everything else, and what it prints is compared outside, where the program cannot reach.
"""

from __future__ import annotations

from rewards import Problem, Rollout, Verdict, reward
from rewards._options import OptionError, at_least


@reward("code")
def code(
    problem: Problem, rollout: Rollout, *, column: str = "tests", partial: bool = False, seconds: float = 2.0, memory_mb: int = 256
) -> Verdict:
    """1 where all tests pass, else 0; with `partial` the share that does.

    column: the column that holds the tests
    partial: whether a program that passes some tests earns their share
    seconds: the time limit of one test
    memory_mb: the memory limit of one test
    """
    at_least("code", "seconds", seconds, 0.01)
    at_least("code", "memory_mb", memory_mb, 16)
    raise OptionError(
        "the reward 'code' is not there yet: r1lite cannot run programs safely so far. "
        "Remove rewards.code; rewards.python_static says whether a program compiles, without running it."
    )
