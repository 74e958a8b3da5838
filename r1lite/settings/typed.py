"""Applies values from YAML and the command line to the dataclasses of config.py, and refuses unknown names and wrong types."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from r1lite.settings.suggestions import did_you_mean

T = TypeVar("T")


class _Unknown(Exception):
    """No setting has this name."""


class _WrongType(Exception):
    """The value has the wrong type. The arguments are the setting, what it should be, and the value."""


def fitted(section: T, changes: Mapping[str, Any], name_of: Callable[[str], str] = str) -> T:
    """A configuration or section with these changes. `name_of` maps a setting to the name that the user types, or to an empty string."""
    try:
        return _changed(section, changes)
    except _Unknown as error:
        name = name_of(error.args[0]) or error.args[0]
        raise ValueError(f"unknown setting {name!r}.{did_you_mean(name, filter(None, map(name_of, names_of(section))))}") from error
    except _WrongType as error:
        key, wanted, value = error.args
        raise ValueError(f"{name_of(key) or key} {wanted}, got {as_text(value)}") from error


def _changed(section: Any, changes: Mapping[str, Any], prefix: str = "") -> Any:
    types, changed = _types(type(section)), {}
    for key, value in changes.items():
        name = f"{prefix}{key}"
        if key not in types:
            raise _Unknown(".".join([name, *_first_path(value)]))
        before = getattr(section, key)
        if not is_dataclass(before):
            changed[key] = _value(value, types[key], before, name)
        elif isinstance(value, Mapping):
            changed[key] = _changed(before, value, f"{name}.")
        else:
            raise _WrongType(name, "is a section: set its entries, each by its full name", value)
    return replace(section, **changed)


def _first_path(tree: Any) -> list[str]:
    if not isinstance(tree, Mapping) or not tree:
        return []
    key, value = next(iter(tree.items()))
    return [str(key), *_first_path(value)]


@cache
def _types(section: type) -> dict[str, Any]:
    hints = get_type_hints(section)
    return {f.name: hints[f.name] for f in fields(section)}


def _value(value: Any, wanted: Any, before: Any, name: str) -> Any:
    """Convert the value to the setting's type. Text that can be read as a number is accepted as one."""
    if value is None:
        raise _WrongType(name, "needs a value", value)
    if wanted is bool:
        return _as(bool, value, isinstance(value, bool), name, "should be true or false")
    if wanted is int:
        return _as(int, value, type(value) in (int, str), name, "should be a whole number")
    if wanted is float:
        return _as(float, value, type(value) in (int, float, str), name, "should be a number")
    if wanted is str:
        return _as(str, value, not isinstance(value, Mapping | list | tuple), name, "should be text")
    kind, (*_, inner) = get_origin(wanted), get_args(wanted)
    if kind is list:
        items = _as(list, value, isinstance(value, Sequence) and not isinstance(value, str), name, "should be a list, such as [a, b]")
        return [_value(item, inner, None, name) for item in items]
    changes = _as(dict, value, isinstance(value, Mapping), name, "is a section: set its entries, each by its full name")
    return merged(before, {key: item if inner is Any else _value(item, inner, None, f"{name}.{key}") for key, item in changes.items()})


def _as(kind: Callable[[Any], T], value: Any, fits: bool, name: str, wanted: str) -> T:
    try:
        if fits:
            return kind(value)
    except ValueError:  # text that is not a number
        pass
    raise _WrongType(name, wanted, value)


def merged(before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Merge changes, at every depth, into a mapping without fixed names, such as the options of rules."""
    trees = [key for key in changes if isinstance(changes[key], Mapping) and isinstance(before.get(key), Mapping)]
    return {**before, **changes, **{key: merged(before[key], changes[key]) for key in trees}}


def as_text(value: Any) -> str:
    """A value as the user would type it."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_text, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {as_text(one)}' for key, one in value.items())}}}"
    if isinstance(value, str):
        return value if re.fullmatch(r"[^\s'\"\[\]{},]+", value) else repr(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def names_of(section: Any, prefix: str = "") -> Iterator[str]:
    """The full name of every setting and section."""
    for field in fields(section):
        yield f"{prefix}{field.name}"
        if is_dataclass(value := getattr(section, field.name)):
            yield from names_of(value, f"{prefix}{field.name}.")
