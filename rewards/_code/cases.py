"""The tests of a problem, from the formats that data sets use."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

INPUTS, OUTPUTS = ("input", "stdin"), ("output", "stdout", "expected")


class BadTests(ValueError):
    """Tests that cannot be read. That is the problem's fault, not the response's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Suite:
    """Either cases, by stdin and stdout or (with `fn_name`) by arguments and result, or a test by assertions."""

    cases: tuple[tuple[Any, Any], ...] = ()  # (input, expected output)
    fn_name: str = ""
    test: str = ""
    entry_point: str = ""
    preface: str = ""  # code before the response's: imports, a signature

    def __bool__(self) -> bool:
        return bool(self.cases or self.test)


def suite_of(info: Mapping[str, Any], column: str) -> Suite:
    """The tests in `column`, with the columns `fn_name`, `entry_point` and `preface` if the problem has them.

    `column` holds one of: text with assertions, with the column `entry_point`; a list of {"input", "output"} (also called
    stdin and stdout, args and expected); {"inputs": [...], "outputs": [...]}; either of the last two as JSON text.
    """
    tests, fn_name, preface = info.get(column), str(info.get("fn_name") or ""), str(info.get("preface") or "")
    if isinstance(tests, str) and (entry_point := info.get("entry_point")):
        return Suite(test=tests, entry_point=str(entry_point), preface=preface)
    if isinstance(tests, str):
        tests = _parsed(tests, column)
    if isinstance(tests, Mapping):
        fn_name = fn_name or str(tests.get("fn_name") or "")
        tests = _rows(tests, column)
    if column not in info:
        raise BadTests(f"the problem has no column {column!r}; it has {', '.join(info) or 'none'}")
    if tests is None:
        raise BadTests(f"column {column!r} is null; it needs tests, or an empty list if the problem has none")
    if not isinstance(tests, Sequence):
        raise BadTests(f"column {column!r} holds {type(tests).__name__}; tests are a list of objects with input and output")
    in_tests = next((str(t["fn_name"]) for t in tests if isinstance(t, Mapping) and t.get("fn_name")), "")
    fn_name = fn_name or in_tests
    return Suite(cases=tuple(_case(t, fn_name, column) for t in tests), fn_name=fn_name, preface=preface)


def _parsed(text: str, column: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise BadTests(f"column {column!r} is text but not JSON ({error}); a test by assertions needs the column entry_point") from error


def _rows(tests: Mapping[str, Any], column: str) -> list[dict[str, Any]]:
    inputs, outputs = tests.get("inputs"), tests.get("outputs")
    if not isinstance(inputs, Sequence) or not isinstance(outputs, Sequence) or len(inputs) != len(outputs):
        raise BadTests(f"column {column!r} is an object, so it needs inputs and outputs, two lists of equal length")
    return [{"input": value, "output": expected} for value, expected in zip(inputs, outputs, strict=True)]


def _case(test: Any, fn_name: str, column: str) -> tuple[Any, Any]:
    if not isinstance(test, Mapping):
        raise BadTests(f"column {column!r}: a test is an object with input and output, got {test!r:.60}")
    given = next((name for name in (*INPUTS, "args") if name in test), None)
    output = next((name for name in OUTPUTS if name in test), None)
    if given is None or output is None:
        raise BadTests(f"column {column!r}: a test has input and output, got {', '.join(map(str, test))}")
    value = test[given]
    if value is None:
        raise BadTests(f"column {column!r}: {given} is null; a program without input has the input ''")
    if not fn_name:
        if isinstance(value, list | Mapping) or isinstance(test[output], list | Mapping):
            raise BadTests(f"column {column!r}: input and output of a program are text; lists are for a function, named in fn_name")
        return str(value), str(test[output])
    # The result is parsed only if the arguments are text too: beside arguments that are values, "12" is not 12.
    return _arguments(value), _value(test[output]) if isinstance(value, str) else test[output]


def _arguments(value: Any) -> list[Any]:
    """A list of arguments, or text with one JSON value per line, as data sets of programming contests have it."""
    if isinstance(value, str):
        try:
            return [json.loads(line) for line in value.splitlines() if line.strip()]
        except ValueError as error:
            raise BadTests(f"the arguments {value!r:.60} are text, but not one JSON value per line") from error
    if not isinstance(value, Sequence):
        raise BadTests(f"the arguments of a call are a list, got {value!r:.60}")
    return list(value)


def _value(output: Any) -> Any:
    if not isinstance(output, str):
        return output
    try:
        return json.loads(output)
    except ValueError:
        return output
