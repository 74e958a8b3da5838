"""When a function given as a reward is the same as before: by its source, and by what it uses of its own module."""

import linecache
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from r1lite.api.source import source_of

MODULE = '''\
import math
import re

LIMIT = 3
NAMES = {"b", "a", "c"}
PATTERN = re.compile("x+")
run = "a global that is no part of it"


def helper(n):
    return n + LIMIT


class Shape:
    def area(self):
        return helper(2)


def rule(problem, rollout, *, words=4):
    """1 where it holds."""
    counted = [word for word in rollout.split() if word in NAMES]
    return math.floor(helper(len(counted))) + Shape().area() + len(PATTERN.findall(problem.run))
'''


def define(text: str, name: str = "rule", *, file: str = "<cell 1>") -> Callable[..., Any]:
    """A function as a notebook's cell defines it."""
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    space: dict[str, Any] = {"__name__": "a_module"}
    exec(compile(text, file, "exec"), space)
    return space[name]


def test_it_holds_what_the_function_uses_and_nothing_else() -> None:
    text = source_of(define(MODULE))
    assert text.startswith("NAMES = {'a', 'b', 'c'}\n\nPATTERN = re.compile('x+')\n\n")
    assert text.index("LIMIT = 3") < text.index("def helper(n):") < text.index("def rule(")
    assert "helper(2)" in text
    assert "a global that is no part of it" not in text


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("import math", "# moved down\n\n\nimport math", True),
        ("no part of it", "no part of it, still", True),
        ("LIMIT = 3", "LIMIT = 4", False),
        ('"c"', '"d"', False),
        ("x+", "y+", False),
        ("return n + LIMIT", "return n - LIMIT", False),
        ("helper(2)", "helper(3)", False),
        ("words=4", "words=5", False),
    ],
)
def test_a_change_is_one_of_the_function_or_of_what_it_uses(before: str, after: str, same: bool) -> None:
    changed = MODULE.replace(before, after)
    assert changed != MODULE
    assert (source_of(define(changed, file="<cell 2>")) == source_of(define(MODULE))) is same


def around(limit: object) -> Callable[..., Any]:
    def rule(problem: object, rollout: object) -> bool:
        return limit is problem

    return rule


def test_variables_of_the_function_around_it_count() -> None:
    assert source_of(around(3)).startswith("limit = 3\n\ndef rule(")
    assert source_of(around(3)) != source_of(around(4))
    assert source_of(around(object())).startswith("limit = # a object")  # an address would differ in every process
    long = source_of(around(list(range(5000))))
    assert len(long) < 500
    assert long != source_of(around(list(range(5001))))


def test_constants_are_written_as_python_writes_them() -> None:
    value = {"a": [1, (2,), ()], frozenset({"y", "x"}): {3: None}, "e": set(), "s": {("b", 1), ("a", 2)}}
    written = source_of(around(value)).partition("\n")[0].removeprefix("limit = ")
    assert eval(written) == value
    assert "frozenset({'x', 'y'})" in written
    assert "{('a', 2, ), ('b', 1, )}" in written


def test_it_is_the_same_in_every_process() -> None:
    code = "import test_source; print(test_source.source_of(test_source.define(test_source.MODULE)))"
    shown = {
        subprocess.run(
            [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}"],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert shown == {source_of(define(MODULE)) + "\n"}


def test_a_function_without_source_is_known_by_its_code() -> None:
    def typed(limit: int) -> str:
        space: dict[str, Any] = {"__name__": "__main__"}
        exec(f"def rule(problem, rollout): return {limit}", space)
        return source_of(space["rule"])

    assert typed(3) == typed(3)
    assert typed(3) != typed(4)
    assert typed(3).startswith("# rule: no source")
