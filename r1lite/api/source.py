"""The source of a function, with everything of its own module that it uses. It shows whether a function has changed."""

from __future__ import annotations

import dis
import hashlib
import inspect
import re
from collections.abc import Callable, Iterator
from textwrap import dedent
from types import CodeType, FunctionType, ModuleType
from typing import Any

LONGEST = 2000  # characters of a constant; a longer one is hashed
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def source_of(function: Callable[..., Any]) -> str:
    """Covered: functions, classes and constants that it uses. Not covered: other modules, and objects whose repr hides their content."""
    root = function if isinstance(function, FunctionType | type) else getattr(function, "__func__", type(function))
    return "\n\n".join(_parts(root, root.__module__, seen=set())) + "\n"


def _parts(value: Any, module: str, seen: set[int]) -> Iterator[str]:
    """The sources of everything that the value uses, then its own."""
    seen.add(id(value))
    for name, used in sorted(_used_by(value).items()):
        if id(used) in seen or isinstance(used, ModuleType):
            continue
        if not isinstance(used, FunctionType | type):
            yield f"{name} = {_shown(used)}"
        elif used.__module__ == module:
            yield from _parts(used, module, seen)
    yield _text(value)


def _used_by(value: Any) -> dict[str, Any]:
    """Name -> value, of the globals and the enclosing functions' variables that it uses."""
    if isinstance(value, type):
        return {name: used for method in _methods(value) for name, used in _used_by(method).items()}
    cells = zip(value.__code__.co_freevars, value.__closure__ or (), strict=True)
    around = {name: cell.cell_contents for name, cell in cells}
    names = {i.argval for code in _codes(value.__code__) for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return {name: value.__globals__[name] for name in names if name in value.__globals__} | around


def _methods(kind: type) -> list[FunctionType]:
    found = [getattr(member, "__func__", getattr(member, "fget", member)) for member in vars(kind).values()]
    return [member for member in found if isinstance(member, FunctionType)]


def _codes(code: CodeType) -> Iterator[CodeType]:
    """The code of a function and of the functions inside it."""
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)


def _text(value: Any) -> str:
    try:
        return dedent(inspect.getsource(value)).rstrip()
    except (OSError, TypeError):  # typed into an interpreter, or a class of a notebook before Python 3.13
        pass
    if isinstance(value, type):
        return "\n\n".join([f"class {value.__qualname__}:", *map(_text, _methods(value))])
    compiled = [(c.co_code, c.co_names, [k for k in c.co_consts if not isinstance(k, CodeType)]) for c in _codes(value.__code__)]
    return f"# {value.__qualname__}: no source; its compiled code is {_digest(repr(compiled))}"


def _shown(value: Any) -> str:
    text = _repr(value)
    if ADDRESS.search(text):
        return f"# a {type(value).__qualname__}"
    return text if len(text) <= LONGEST else f"# {len(text)} characters, {_digest(text)}"


def _repr(value: Any) -> str:
    """repr, with sets sorted: their order differs between processes."""
    if type(value) is set and value:
        return "{" + ", ".join(sorted(map(_repr, value))) + "}"
    if type(value) is frozenset:
        return f"frozenset({_repr(set(value))})"
    if type(value) is dict:
        return "{" + ", ".join(f"{_repr(key)}: {_repr(held)}" for key, held in value.items()) + "}"
    if type(value) is list:
        return "[" + ", ".join(map(_repr, value)) + "]"
    if type(value) is tuple:
        return "(" + "".join(f"{_repr(held)}, " for held in value) + ")"
    return repr(value)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
