"""Is the answer correct by the scorer of the reasoning-gym data set that the problem comes from?

Covered: data sets whose scorer would evaluate the answer as Python have a scorer of our own; formulas are checked before
they reach sympy; answers with extra content that a scorer would accept (several orders, stuffed text, a second number) are
refused. White space around the answer is ignored, and its length is limited.
Not covered: a scorer's own tolerance, such as 1 for each number of number_sorting.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from r1lite.text.response import last_answer
from rewards import Problem, Rollout, Verdict, needs, reward
from rewards._gym import refusal
from rewards._gym_scorers import OWN
from rewards._text import evidence, short

FULL = 1 - 1e-9


def warm_up(**_: object) -> None:
    """Import the package, so that no verdict spends its deadline on that."""
    import reasoning_gym  # noqa: F401  # pyright: ignore


@reward("reasoning_gym", warm_up=warm_up, evidence=evidence)
def reasoning_gym(problem: Problem, rollout: Rollout, *, partial: bool = False) -> Verdict:
    """1 if the data set's scorer gives full marks, else 0.

    partial: whether the scorer's lower marks are paid too; some scorers give low marks to any answer
    """
    entry, name, options = needs(problem, "entry"), needs(problem, "dataset"), needs(problem, "options")
    answer = last_answer(rollout.response)
    if answer is None:
        return Verdict(value=0.0, why="no answer block")
    expected = f"expected {short(str(entry['answer']))}"
    if why := refusal(name, answer, entry):
        return Verdict(value=0.0, why=f"{short(answer)}: {why}, {expected}")
    score, why = _score(name, options, answer, entry)
    return Verdict(value=score if partial or score >= FULL else 0.0, why=f"{name} gives {short(answer)} {score:.3g}{why}, {expected}")


def _score(name: str, options: Mapping[str, Any], answer: str, entry: Mapping[str, Any]) -> tuple[float, str]:
    if name in OWN:
        return float(OWN[name](answer, entry)), ""
    scorer = _scorer(name, _Options(options))
    try:
        # A copy, because one scorer changes its metadata.
        return min(1.0, float(scorer.score_answer(answer, {**entry, "metadata": dict(entry["metadata"])}))), ""
    except (MemoryError, RecursionError):
        raise
    except Exception as error:  # the package's scorers raise on answers that they cannot parse: these are wrong, not failed
        return 0.0, f" ({type(error).__name__})"


class _Options(dict[str, Any]):
    """The settings of a data set, as a cache key."""

    def __hash__(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return hash(repr(sorted(self.items())))


@lru_cache(maxsize=256)
def _scorer(name: str, options: _Options) -> Any:
    from reasoning_gym import create_dataset  # pyright: ignore

    return create_dataset(name, seed=0, size=1, **options)
