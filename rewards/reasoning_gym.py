"""Is the answer right by the scorer of the reasoning-gym data set that the problem comes from?

Covered: data sets whose own scorer would evaluate the answer as Python are scored without it; formulas are looked at before
sympy sees them; answers that are right beside something else (several orders, stuffed text, the first of two numbers) are
cut off where the scorer would let them pass. White space around the answer does not count, and its length is capped.
Not covered: a scorer's own tolerance, such as 1 for each number of number_sorting.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from r1lite.text.response import last_answer
from rewards import Problem, Rollout, Verdict, needs, reward
from rewards._gym import OWN, refusal
from rewards._text import short

FULL = 1 - 1e-9


def warm_up(**_: object) -> None:
    """Import the package before any verdict has a deadline."""
    import reasoning_gym  # noqa: F401  # pyright: ignore


@reward("reasoning_gym", warm_up=warm_up)
def reasoning_gym(problem: Problem, rollout: Rollout, *, partial: bool = False) -> Verdict:
    """1 where the data set's scorer gives full marks, else 0.

    partial: whether an answer that is partly right earns what the scorer gives; some scorers give a little to anything
    """
    entry, name, options = needs(problem, "entry"), needs(problem, "dataset"), needs(problem, "options")
    given = last_answer(rollout.response)
    if given is None:
        return Verdict(value=0.0, why="no answer block")
    expected = f"expected {short(str(entry['answer']))}"
    if why := refusal(name, given, entry):
        return Verdict(value=0.0, why=f"{short(given)}: {why}, {expected}")
    score, why = _score(name, options, given, entry)
    return Verdict(value=score if partial or score >= FULL else 0.0, why=f"{name} gives {short(given)} {score:.3g}{why}, {expected}")


def _score(name: str, options: Mapping[str, Any], given: str, entry: Mapping[str, Any]) -> tuple[float, str]:
    if name in OWN:
        return float(OWN[name](given, entry)), ""
    scorer = _scorer(name, _Options(options))
    try:
        # A copy: one scorer writes into the facts that it is given.
        return min(1.0, float(scorer.score_answer(given, {**entry, "metadata": dict(entry["metadata"])}))), ""
    except (MemoryError, RecursionError):
        raise
    except Exception as error:  # the package's scorers raise on answers they cannot read: those are wrong, not unknown
        return 0.0, f" ({type(error).__name__})"


class _Options(dict[str, Any]):
    """Settings of a data set as a key."""

    def __hash__(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return hash(repr(sorted(self.items())))


@lru_cache(maxsize=256)
def _scorer(name: str, options: _Options) -> Any:
    from reasoning_gym import create_dataset  # pyright: ignore

    return create_dataset(name, seed=0, size=1, **options)
