"""Rules that are functions of the running process, on their way to the scoring workers."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from typing import Any

from r1lite.registry import place
from rewards import Declaration, rewards

Functions = Mapping[str, tuple[Callable[..., Any], Declaration]]


def pickled(functions: Functions) -> bytes:
    """By reference if a worker can import the function; else, from a script, a notebook or another function, by value."""
    try:
        if not any(_in_main(part) for entry in functions.values() for part in _callables(entry)):
            return pickle.dumps(dict(functions))
    except (pickle.PicklingError, AttributeError, TypeError):
        pass
    where = ", ".join(f"{name} ({place(function)})" for name, (function, _) in functions.items())
    try:
        import cloudpickle
    except ImportError as error:
        raise ValueError(
            f"scoring workers cannot import {where}. Sending functions of a script or a notebook to them needs the extra "
            f"`functions`: pip install 'r1lite[functions]'; or move the rules to a module, or set scoring.workers=0"
        ) from error
    try:
        return cloudpickle.dumps(dict(functions))
    except Exception as error:  # whatever an object in the function's closure or globals raises
        raise ValueError(
            f"scoring workers cannot receive {where}: {error}. Move the rules to a module, or set scoring.workers=0"
        ) from error


def register(functions: bytes) -> None:
    """In a worker: make them rules again. The bytes come from the process that started the worker."""
    for name, (function, declaration) in pickle.loads(functions).items():
        rewards.register(name, function, declaration)


def _callables(entry: tuple[Callable[..., Any], Declaration]) -> list[object]:
    function, declaration = entry
    return [function, declaration.deadline, declaration.warm_up]


def _in_main(part: object) -> bool:
    """A worker has another `__main__`."""
    return getattr(part, "__module__", "") == "__main__"
