"""Converts a program's values to plain JSON. The trusted side does not rely on this: it compares only what it parses itself."""

from __future__ import annotations

from typing import Any


def jsonable(value: Any) -> Any:
    """The value in exact built-in types: a subclass becomes its base type, and a tuple becomes a list."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, int):
        return int.__index__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, list):
        return [jsonable(item) for item in list.__iter__(value)]
    if isinstance(value, tuple):
        return [jsonable(item) for item in tuple.__iter__(value)]
    if isinstance(value, dict):
        return {_key(key): jsonable(item) for key, item in dict.items(value)}
    raise TypeError(f"a {type(value).__name__}")


def _key(key: Any) -> Any:
    if key is None or isinstance(key, bool | int | float | str):
        return jsonable(key)
    raise TypeError(f"a {type(key).__name__} as a key")
