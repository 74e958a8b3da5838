"""A reward function written for TRL, `f(prompts, completions, **columns) -> list[float | None]`, used unchanged.

The function is called with lists of length one. If the prompt is a chat, the completion is a chat too: a list with one
message of the assistant. If the prompt is text, so is the completion.
Covered: the problem's columns by name, its answer as `answer` and as `solution`, `completion_ids`; asynchronous functions;
None to abstain. Not covered: functions that compare the completions of a batch, reward models, `trainer_state`.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from numbers import Real
from pathlib import Path
from typing import Any

from r1lite.registry import load_file
from rewards import Problem, Rollout, Verdict, reward
from rewards._options import OptionError


@reward("trl")
def trl(problem: Problem, rollout: Rollout, *, function: str) -> Verdict:
    """What the function returns for this completion.

    function: where to import it from: package.module:function, or ./file.py:function
    """
    imported = _imported(function)
    returned = imported(**_arguments(function, imported, problem, rollout))
    return _verdict(function, asyncio.run(_result(returned)) if inspect.isawaitable(returned) else returned)


@lru_cache(maxsize=64)
def _imported(function: str) -> Callable[..., Any]:
    module, colon, name = function.rpartition(":")
    if not colon or not module or not name:
        raise OptionError(f"rewards.trl.function is written as package.module:function or ./file.py:function, got {function!r}")
    try:
        imported = getattr(load_file(Path(module)) if module.endswith(".py") else importlib.import_module(module), name, None)
    except (ValueError, ModuleNotFoundError) as error:
        raise OptionError(f"rewards.trl.function {function!r} cannot be imported: {error}") from error
    if not callable(imported):
        raise OptionError(f"rewards.trl.function: there is no function {name!r} in {module}")
    return imported


def _arguments(function: str, imported: Callable[..., Any], problem: Problem, rollout: Rollout) -> dict[str, list[Any]]:
    """The columns that the function's parameters name; all columns if it takes any keyword."""
    columns = _columns(problem, rollout)
    parameters = inspect.signature(imported).parameters.values()
    if not any(p.kind is p.VAR_KEYWORD for p in parameters):
        columns = {name: column for name, column in columns.items() if name in {p.name for p in parameters}}
    missing = [
        p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.default is p.empty and p.name not in columns
    ]
    if missing:
        raise KeyError(
            f"{function} needs {', '.join(missing)}, which this problem does not have; it has {', '.join(problem.info) or 'no columns'}"
        )
    return {name: [value] for name, value in columns.items()}


def _columns(problem: Problem, rollout: Rollout) -> Mapping[str, Any]:
    prompt, response = problem.prompt, rollout.response
    answer = {} if problem.answer is None else {"answer": problem.answer, "solution": problem.answer}
    return {
        **answer,
        **problem.info,
        "prompts": prompt if isinstance(prompt, str) else [dict(m) for m in prompt],
        "completions": response if isinstance(prompt, str) else [{"role": "assistant", "content": response}],
        "completion_ids": list(rollout.token_ids),
    }


async def _result(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def _verdict(function: str, returned: Any) -> Verdict:
    if not isinstance(returned, list | tuple):
        raise TypeError(f"{function} should return a list of numbers, got {type(returned).__name__}")
    if len(returned) != 1:
        raise ValueError(f"{function} returned {len(returned)} values for 1 completion")
    value = returned[0]
    if value is None:
        return Verdict(value=None, why=f"{function} returned None")
    if not isinstance(value, Real):
        raise TypeError(f"{function} should return numbers or None, got {type(value).__name__}: {value!r}")
    return Verdict(value=float(value), why=f"{function} returned {value}")
