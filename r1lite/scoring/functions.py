"""Sends rules that are functions of the running process to the scoring workers."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from typing import Any

from r1lite.registry import place
from rewards import Declaration, rewards

Functions = Mapping[str, tuple[Callable[..., Any], Declaration]]


def pickled(functions: Functions) -> bytes:
    """The functions as bytes: by reference if a worker can import them; otherwise (scripts, notebooks, closures) by value."""
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
    """In a worker: register them as rules. The bytes come from the process that started the worker, so unpickling them is safe."""
    for name, (function, declaration) in pickle.loads(functions).items():
        rewards.register(name, function, declaration)


def _callables(entry: tuple[Callable[..., Any], Declaration]) -> list[object]:
    function, declaration = entry
    return [function, declaration.deadline, declaration.warm_up]


def _in_main(part: object) -> bool:
    """Whether it is defined in `__main__`, which is another module in a worker."""
    return getattr(part, "__module__", "") == "__main__"
