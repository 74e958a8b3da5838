"""Tools that a model may call. One file per tool; the file's name is the tool's name. A typed function of yours is one, too:

    from r1lite.episodes.tools import tool

    @tool
    def days_between(first: str, second: str) -> int:
        \"\"\"The days between two dates.

        Args:
            first: the earlier date, such as 2026-01-31
            second: the later date
        \"\"\"

The schema for chat templates comes from the signature and the docstring. A parameter named `session` is a dict of the episode's
own, which the model does not see: a tool keeps its state there. What a tool raises is told to the model.
"""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from r1lite.registry import Registry, unknown

F = TypeVar("F", bound=Callable[..., Any])
Session = dict[str, Any]

tools: Registry[Callable[..., Any], None] = Registry("tool", "r1lite.episodes.tools")


class Malformed(ValueError):
    """A call that cannot be made; the message is the answer to the model."""


def tool(function: F) -> F:
    """Register a function as a tool under its own name."""
    for name, parameter in parameters(function).items():
        if parameter.annotation is inspect.Parameter.empty:
            raise ValueError(f"tool {function.__name__!r}: parameter {name!r} needs a type, from which its schema is made")
    if not inspect.getdoc(function):
        raise ValueError(f"tool {function.__name__!r} needs a docstring, which tells the model what it does")
    tools.register(function.__name__, function, None)
    return function


def parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Those that the model gives."""
    return {name: p for name, p in inspect.signature(function).parameters.items() if name != "session"}


def call(name: str, arguments: Mapping[str, Any], session: Session) -> str:
    """What a tool returns, as text. Raises Malformed for arguments that do not fit its signature."""
    function = tools[name]
    known = parameters(function)
    for argument in arguments:
        if argument not in known:
            raise Malformed(unknown(f"argument of {name}:", argument, known))
    missing = [n for n, p in known.items() if p.default is inspect.Parameter.empty and n not in arguments]
    if missing:
        raise Malformed(f"{name} needs {', '.join(missing)}")
    types = typing.get_type_hints(function)
    fitted = {key: _fitted(name, key, value, types[key]) for key, value in arguments.items()}
    state = {"session": session} if "session" in inspect.signature(function).parameters else {}
    returned = function(**fitted, **state)
    return returned if isinstance(returned, str) else json.dumps(returned, ensure_ascii=False, default=str)


def arguments_of(name: str, text: str) -> dict[str, Any]:
    """The arguments in a tag: the text itself for a tool with one parameter, else a JSON object."""
    known = parameters(tools[name])
    if len(known) == 1:
        return {next(iter(known)): text}
    try:
        arguments = json.loads(text)
    except ValueError as error:
        raise Malformed(f"{name} takes a JSON object with {', '.join(known)}: {error}") from error
    if not isinstance(arguments, dict):
        raise Malformed(f"{name} takes a JSON object with {', '.join(known)}")
    return {str(key): value for key, value in arguments.items()}


def _fitted(name: str, key: str, value: Any, wanted: Any) -> Any:
    """The value as the parameter's type, for the plain types; text that can be read as a number is one."""
    if wanted not in (str, int, float, bool) or isinstance(value, wanted):
        return value
    try:
        if wanted is bool or isinstance(value, bool | list | dict):
            raise ValueError
        return wanted(value)
    except (TypeError, ValueError):
        raise Malformed(f"{key} of {name} should be of type {wanted.__name__}, got {json.dumps(value, default=str)}") from None
