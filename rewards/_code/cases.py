"""The tests that a problem brings, in the shapes that data sets have, read into one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

INPUTS, OUTPUTS = ("input", "stdin"), ("output", "stdout", "expected")


class BadTests(ValueError):
    """A problem whose tests cannot be read; says nothing about any response."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Suite:
    """Either cases, of stdin and stdout or of arguments and result (then `fn_name` is there), or a test of assertions."""

    cases: tuple[tuple[Any, Any], ...] = ()  # (what goes in, what should come out)
    fn_name: str = ""
    test: str = ""
    entry_point: str = ""
    preface: str = ""  # code that stands before the response's: imports, a signature

    def __bool__(self) -> bool:
        return bool(self.cases or self.test)


def suite_of(info: Mapping[str, Any], column: str) -> Suite:
    """The columns `fn_name`, `entry_point` and `preface` are read where they are there.

    `column` holds one of: text that asserts, with the column `entry_point`; a list of {"input", "output"} (also called
    stdin and stdout, args and expected); {"inputs": [...], "outputs": [...]}; the same as JSON text.
    """
    tests, fn_name, preface = info.get(column), str(info.get("fn_name") or ""), str(info.get("preface") or "")
    if isinstance(tests, str) and (entry_point := info.get("entry_point")):
        return Suite(test=tests, entry_point=str(entry_point), preface=preface)
    if isinstance(tests, str):
        tests = _parsed(tests, column)
    if isinstance(tests, Mapping):
        fn_name = fn_name or str(tests.get("fn_name") or "")
        tests = _rows(tests, column)
    if tests is None:
        raise BadTests(f"the problem has no column {column!r}; it has {', '.join(info) or 'none'}")
    if not isinstance(tests, Sequence):
        raise BadTests(f"column {column!r} holds {type(tests).__name__}; tests are a list of objects with input and output")
    named = next((str(t["fn_name"]) for t in tests if isinstance(t, Mapping) and t.get("fn_name")), "")
    fn_name = fn_name or named
    return Suite(cases=tuple(_case(t, fn_name, column) for t in tests), fn_name=fn_name, preface=preface)


def _parsed(text: str, column: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise BadTests(f"column {column!r} is text, but not JSON ({error}); a test of assertions needs the column entry_point") from error


def _rows(tests: Mapping[str, Any], column: str) -> list[dict[str, Any]]:
    inputs, outputs = tests.get("inputs"), tests.get("outputs")
    if not isinstance(inputs, Sequence) or not isinstance(outputs, Sequence) or len(inputs) != len(outputs):
        raise BadTests(f"column {column!r} is an object, so it needs inputs and outputs, two lists of one length")
    return [{"input": given, "output": wanted} for given, wanted in zip(inputs, outputs, strict=True)]


def _case(test: Any, fn_name: str, column: str) -> tuple[Any, Any]:
    if not isinstance(test, Mapping):
        raise BadTests(f"column {column!r}: a test is an object with input and output, got {test!r:.60}")
    given = next((test[name] for name in (*INPUTS, "args") if name in test), None)
    wanted = next((name for name in OUTPUTS if name in test), None)
    if given is None or wanted is None:
        raise BadTests(f"column {column!r}: a test has input and output, got {', '.join(map(str, test))}")
    if not fn_name:
        if isinstance(given, list | Mapping) or isinstance(test[wanted], list | Mapping):
            raise BadTests(f"column {column!r}: input and output of a program are text; lists are for a function, named in fn_name")
        return str(given), str(test[wanted])
    # Text in, text out: a result beside arguments that are values is a value itself, and "12" is no 12.
    return _arguments(given), _value(test[wanted]) if isinstance(given, str) else test[wanted]


def _arguments(given: Any) -> list[Any]:
    """A list of arguments; as text, one JSON value a line, as data sets of contests have it."""
    if isinstance(given, str):
        try:
            return [json.loads(line) for line in given.splitlines() if line.strip()]
        except ValueError as error:
            raise BadTests(f"the arguments {given!r:.60} are text, but not JSON, one value a line") from error
    if not isinstance(given, Sequence):
        raise BadTests(f"the arguments of a call are a list, got {given!r:.60}")
    return list(given)


def _value(wanted: Any) -> Any:
    if not isinstance(wanted, str):
        return wanted
    try:
        return json.loads(wanted)
    except ValueError:
        return wanted
