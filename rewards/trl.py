"""A function written for TRL, `f(prompts, completions, **columns) -> list[float | None]`, used unchanged.

A rule sees one rollout at a time, so the function is called with lists of length one. Where the prompt is a chat, the
completion is a chat as well: a list with one message of the assistant. Where the prompt is a text, so is the completion.
Covered: the problem's columns by their names, its answer as `answer` and as `solution`, `completion_ids`; asynchronous
functions; None means that the function abstains.
Not covered: functions that compare the completions of a batch, models in place of functions, `trainer_state`.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from numbers import Real
from pathlib import Path
from typing import Any

from r1lite.registry import load_plugins
from rewards import Problem, Rollout, Verdict, reward
from rewards._options import OptionError


@reward("trl")
def trl(problem: Problem, rollout: Rollout, *, function: str) -> Verdict:
    """What the function returns for this one completion.

    function: where it is: package.module:function, or ./file.py:function
    """
    called = _found(function)
    given = called(**_arguments(function, called, problem, rollout))
    return _verdict(function, asyncio.run(_awaited(given)) if inspect.isawaitable(given) else given)


@lru_cache(maxsize=64)
def _found(function: str) -> Callable[..., Any]:
    where, colon, name = function.rpartition(":")
    if not colon or not where or not name:
        raise OptionError(f"rewards.trl.function is written as package.module:function or ./file.py:function, got {function!r}")
    try:
        found = getattr(_module(where), name, None)
    except (ValueError, ModuleNotFoundError) as error:
        raise OptionError(f"rewards.trl.function {function!r} cannot be loaded: {error}") from error
    if not callable(found):
        raise OptionError(f"rewards.trl.function: there is no function {name!r} in {where}")
    return found


def _module(where: str) -> Any:
    if not where.endswith(".py"):
        return importlib.import_module(where)
    load_plugins([where])
    path = str(Path(where).expanduser().resolve())
    return next(m for m in list(sys.modules.values()) if getattr(m, "__file__", None) == path)


def _arguments(function: str, called: Callable[..., Any], problem: Problem, rollout: Rollout) -> dict[str, list[Any]]:
    """What the function asks for by name; all there is, where it takes any keyword."""
    there = _columns(problem, rollout)
    parameters = inspect.signature(called).parameters.values()
    if not any(p.kind is p.VAR_KEYWORD for p in parameters):
        there = {name: column for name, column in there.items() if name in {p.name for p in parameters}}
    missing = [
        p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.default is p.empty and p.name not in there
    ]
    if missing:
        raise KeyError(
            f"{function} needs {', '.join(missing)}, which this problem does not have; it has {', '.join(problem.info) or 'no columns'}"
        )
    return {name: [value] for name, value in there.items()}


def _columns(problem: Problem, rollout: Rollout) -> Mapping[str, Any]:
    prompt, said = problem.prompt, rollout.response
    answer = {} if problem.answer is None else {"answer": problem.answer, "solution": problem.answer}
    return {
        **answer,
        **problem.info,
        "prompts": prompt if isinstance(prompt, str) else [dict(m) for m in prompt],
        "completions": said if isinstance(prompt, str) else [{"role": "assistant", "content": said}],
        "completion_ids": list(rollout.token_ids),
    }


async def _awaited(given: Awaitable[Any]) -> Any:
    return await given


def _verdict(function: str, given: Any) -> Verdict:
    if not isinstance(given, list | tuple):
        raise TypeError(f"{function} should return a list of numbers, got {type(given).__name__}")
    if len(given) != 1:
        raise ValueError(f"{function} returned {len(given)} values for 1 completion")
    value = given[0]
    if value is None:
        return Verdict(value=None, why=f"{function} returned None")
    if not isinstance(value, Real):
        raise TypeError(f"{function} should return numbers or None, got {type(value).__name__}: {value!r}")
    return Verdict(value=float(value), why=f"{function} returned {value}")
