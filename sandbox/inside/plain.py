"""A codec for plain data: JSON values, and tuples, sets, bytes, dicts with any plain key, large ints, iterators.

Decoding creates exact built-in types only, whoever wrote the data. JSON scalars and lists are written as they are, everything
else as an object with one key, its tag.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

# Larger ints are written in hexadecimal, because Python limits the number of decimal digits.
_SMALL: Final = 1 << 64
# An iterator with more items is not plain data.
_MOST_ITEMS: Final = 100_000


def dumps(value: Any) -> bytes:
    """Raises TypeError if the value is not plain data."""
    return json.dumps(_tagged(value), separators=(",", ":")).encode()


def loads(data: bytes) -> Any:
    """Raises ValueError if the data was not written by `dumps`."""
    try:
        return _untagged(json.loads(data))
    except (TypeError, AttributeError, KeyError, RecursionError, OverflowError) as error:
        raise ValueError(f"unreadable: {type(error).__name__}") from None


def _tagged(value: Any) -> Any:
    if value is None or value is True or value is False:
        return value
    if isinstance(value, int):
        number = int.__index__(value)
        return number if -_SMALL < number < _SMALL else {"int": hex(number)}
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, list):
        return [_tagged(item) for item in list.__iter__(value)]
    return _tagged_object(value)


def _tagged_object(value: Any) -> dict[str, Any]:
    if isinstance(value, tuple):
        return {"tuple": [_tagged(item) for item in tuple.__iter__(value)]}
    if isinstance(value, dict):
        return {"dict": [[_tagged(key), _tagged(item)] for key, item in dict.items(value)]}
    if isinstance(value, set):
        return {"set": [_tagged(item) for item in set.__iter__(value)]}
    if isinstance(value, frozenset):
        return {"frozenset": [_tagged(item) for item in frozenset.__iter__(value)]}
    if isinstance(value, bytes):
        return {"bytes": bytes.hex(value)}
    if isinstance(value, bytearray):
        return {"bytearray": bytearray.hex(value)}
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    if isinstance(value, range):
        return {"range": [value.start, value.stop, value.step]}
    if isinstance(value, Iterator):
        items = [_tagged(item) for item in islice(value, _MOST_ITEMS + 1)]
        if len(items) <= _MOST_ITEMS:
            return {"iterator": items}
    raise TypeError(f"{type(value).__name__} is not plain data")


def _items(payload: Any) -> list[Any]:
    if type(payload) is not list:
        raise ValueError("unreadable: expected a list")
    return [_untagged(item) for item in payload]


_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "int": lambda payload: int(payload, 16),
    "tuple": lambda payload: tuple(_items(payload)),
    "dict": lambda payload: {_untagged(key): _untagged(item) for key, item in payload},
    "set": lambda payload: set(_items(payload)),
    "frozenset": lambda payload: frozenset(_items(payload)),
    "bytes": bytes.fromhex,
    "bytearray": bytearray.fromhex,
    "complex": lambda payload: complex(*payload),
    "range": lambda payload: range(*payload),
    "iterator": lambda payload: iter(_items(payload)),
}


def _untagged(value: Any) -> Any:
    if type(value) is list:
        return [_untagged(item) for item in value]
    if type(value) is not dict:
        return value
    ((tag, payload),) = value.items()
    return _READERS[tag](payload)
