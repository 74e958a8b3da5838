"""Function calls and assertion tests: which values cross, which calls fail, and cheats, none of which may pass."""

from __future__ import annotations

import pytest
from sandbox_here import run

from sandbox import Limits, Outcome, Program, Result, Sandbox


def call(box: Sandbox, code: str, *calls: list[object], fn_name: str = "f") -> Result:
    return run(box, code, fn_name=fn_name, calls=calls)


def test_calls_return_plain_json(box: Sandbox) -> None:
    result = call(box, "def f(x, y):\n    print(x)\n    return {'a': (x, [y, None, True])}", [1, "b"], [2.5, [3]])
    assert result.outcomes == (Outcome(value={"a": [1, ["b", None, True]]}), Outcome(value={"a": [2.5, [[3], None, True]]}))
    assert (result.status, result.stdout) == ("ok", "1\n2.5\n")
    assert call(box, "class Solution:\n    def f(self, x): return x + 1", [1]).outcomes == (Outcome(value=2),)


def test_each_call_fails_by_itself(box: Sandbox) -> None:
    code = "import sys\ndef f(x):\n    if x == 0: return {1, 2}\n    if x == 1: sys.exit(0)\n    return 6 / (x - 2)"
    errors = [outcome.error for outcome in call(box, code, [0], [1], [2], [3]).outcomes]
    assert errors == ["not JSON: a set", "SystemExit: 0", "ZeroDivisionError: division by zero", ""]


def test_calls_that_were_not_reached_say_so(box: Sandbox) -> None:
    result = call(box, "import os\ndef f(x):\n    if x: os._exit(0)\n    return x", [0], [1], [0])
    assert result.outcomes == (Outcome(value=0), Outcome(error="not reached"), Outcome(error="not reached"))
    assert call(box, "def g(): pass", []).outcomes == (Outcome(error="not reached"),)
    hangs = Program(code="def f(x):\n    while x: pass\n    return 7", fn_name="f", calls=[[0], [1]], limits=Limits(seconds=3))
    assert box.run([hangs])[0].outcomes == (Outcome(value=7), Outcome(error="not reached"))


CHEATS = {
    "always equal": "class E(int):\n    def __eq__(s, o): return True\n    __hash__ = int.__hash__\ndef f(x): return E()",
    "always equal, no int": "class E:\n    def __eq__(s, o): return True\ndef f(x): return E()",
    "leaves": "import os\ndef f(x): os._exit(0)",
    "leaves at once": "import os\nos._exit(0)",
    "leaves politely": "def f(x): raise SystemExit(0)",
    "leaves when loaded": "import sys\nsys.exit(0)",
    "skips": "import unittest\ndef f(x): raise unittest.SkipTest('x')",
    "json patched": "import json\njson.dumps = lambda *a, **k: '[42]'\n"
    "json.JSONEncoder.encode = lambda *a: '[42]'\ndef f(x): return 0",
    "builtins patched": "import builtins as b\nb.isinstance = lambda *a: True\nb.all = b.any = lambda *a: True\ndef f(x): return 0",
    "prints a result": "print('[41]'); print('ok'); print('passed')\ndef f(x): return 0",
    "frame walk": "import sys\ndef f(x):\n    g = sys._getframe()\n    while g:\n"
    "        for v in g.f_locals.values():\n            if isinstance(v, list): v.append('passed')\n        g = g.f_back\n    return 0",
    "gc scan": "import gc\ndef f(x):\n    for o in gc.get_objects():\n"
    "        if type(o) is dict and 'failure' in o: o['failure'] = ''\n    return 0",
    "forged report": "import os\ndef f(x):\n    os.pwrite(3, b'{\"failure\": \"\"}', 0); os.pwrite(3, b'[0]\\n', 0); return 0",
    "forged answer": "import os\ndef f(x):\n    for fd in range(3, 64):\n        try: os.write(fd, b'\\0\\0\\0\\2[]')\n"
    "        except OSError: pass\n    return 0",
    "huge answer": "import os\ndef f(x):\n    os.write(4, b'\\xff' * 64)\n    return 0",
    "main poked": "import __main__, sys\nsys.modules['__main__'].passed = True\ndef f(x): return 0",
    "import hook": "import sys\nclass H:\n    def find_spec(s, *a): raise SystemExit(0)\nsys.meta_path.insert(0, H())\ndef f(x): return 0",
    "exit hook": "import atexit, os, sys\natexit.register(os._exit, 0)\nsys.excepthook = lambda *a: os._exit(0)\ndef f(x): return 0",
    "segfault": "import ctypes\ndef f(x): ctypes.string_at(0)",
    "abort": "import os\ndef f(x): os.abort()",
    "tracing": "import sys\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)\ndef f(x): return 0",
    "a name of the test": "def check(candidate): pass\ncandidate = check\ndef f(x): return 0",
    "no function": "f = None",
    "pass": "def f(x): pass",
}  # fmt: skip
TEST = "def check(candidate):\n    for x in (41, 1, 2):\n        assert candidate(x) == x + 1, 'wrong'\n"


@pytest.mark.parametrize("name", CHEATS)
def test_cheats_pass_no_test(box: Sandbox, name: str) -> None:
    result = run(box, CHEATS[name], test=TEST, entry_point="f")
    assert result.status in ("error", "timeout", "killed")
    assert result.failure


@pytest.mark.parametrize("name", CHEATS)
def test_cheats_return_nothing_but_plain_values(box: Sandbox, name: str) -> None:
    """The caller keeps the expected values, so no program can know them."""
    result = call(box, CHEATS[name], [41], [1])
    assert len(result.outcomes) == 2
    assert all(type(outcome.value) in (int, type(None), list, dict, str) for outcome in result.outcomes)
    assert [outcome.value for outcome in result.outcomes] != [42, 2]


def test_a_right_function_passes(box: Sandbox) -> None:
    result = run(box, "def f(x):\n    print(x)\n    return x + 1", test=TEST, entry_point="f")
    assert (result.status, result.failure, result.stdout) == ("ok", "", "41\n1\n2\n")


def test_a_failed_test_says_where(box: Sandbox) -> None:
    assert run(box, "def f(x): return 42", test=TEST, entry_point="f").failure == "AssertionError: wrong (line 3 of the test)"


@pytest.mark.parametrize(
    ("code", "test"),
    [
        ("def f(*a, **k): return a, k", "assert f(1, {2}, x=b'3') == ((1, {2}), {'x': b'3'})"),
        (
            "def f(x): return x",
            "v = [(1,), {1: 2}, {(3, 4)}, 2 ** 20000, None, True, 1.5, float('inf'), '\\ud800', 1j, range(3)]\nassert f(v) == v",
        ),
        ("def f(x): return x", "assert f(float('nan')) != f(float('nan'))"),
        ("def f(x): x.sort()", "v = [3, 1, 2]\nassert f(v) is None and v == [1, 2, 3]"),
        ("def f(d): d['a'] = 1", "v = {}\nf(v)\nassert v == {'a': 1}"),
        ("def f(x): raise KeyError('k')", "try:\n    f(1)\nexcept KeyError as e:\n    assert e.args == ('k',)\nelse:\n    assert False"),
        ("def f(n):\n    yield from range(n)", "assert list(f(3)) == [0, 1, 2]"),
        ("from collections import Counter\ndef f(x): return Counter(x)", "assert f('aab') == {'a': 2, 'b': 1}"),
        ("state = []\ndef f(x):\n    state.append(x)\n    return len(state)", "assert [f(0), f(0)] == [1, 2]"),
    ],
)
def test_values_cross_unchanged(box: Sandbox, code: str, test: str) -> None:
    assert run(box, code, test=test, entry_point="f").failure == ""


@pytest.mark.parametrize(
    ("code", "test"),
    [
        ("def f(x): raise StopIteration", "assert all(map(lambda x: f(x) == 1, [1, 2]))"),
        ("def f(x): raise AssertionError", "try:\n    f(1)\nexcept AssertionError:\n    pass"),
        ("def f(x):\n    x.clear()\n    return []", "v = [2, 1]\nassert f(v) == sorted(v)"),
        ("def f(x): raise GeneratorExit", "assert list(map(f, [1])) or True"),
    ],
)
def test_a_program_cannot_skip_the_checks_of_a_test(box: Sandbox, code: str, test: str) -> None:
    assert run(box, code, test=test, entry_point="f").status == "error"


def test_helpers_of_a_test_are_the_tests_own(box: Sandbox) -> None:
    setup, test = "def double(x):\n    return 2 * x\ndef f(x):\n    '''given'''", "assert f(2) == double(2)"
    assert run(box, "def f(x): return x + x", setup=setup, test=test, entry_point="f").status == "ok"
    cheat = "def double(x): return 0\ndef f(x): return 0"
    assert run(box, cheat, setup=setup, test=test, entry_point="f").status == "error"


def test_a_check_of_the_test_is_called_whatever_the_function_is_called(box: Sandbox) -> None:
    test = "def check(candidate):\n    assert candidate(1) == 2\n"
    assert run(box, "def check(x): return 2", test=test, entry_point="check").status == "ok"
    assert run(box, "def check(x): return 0", test=test, entry_point="check").failure == "AssertionError (line 2 of the test)"
    setup = "def check(n):\n    return n > 1\ndef f(x): pass"
    assert run(box, "def f(x): return 2", setup=setup, test="assert f(1) == 2 and check(2)", entry_point="f").status == "ok"


def test_a_test_that_calls_nothing_fails(box: Sandbox) -> None:
    result = run(box, "def f(x): return 0", test="def test_f():\n    assert f(1) == 2", entry_point="f")
    assert (result.status, result.failure) == ("error", "ValueError: the test ended without a call of f")


def test_the_text_of_an_exception_can_always_be_written(box: Sandbox) -> None:
    code = "def f(x): raise ValueError('\\ud800')"
    assert [outcome.error for outcome in call(box, code, [1]).outcomes] == ["ValueError: \\ud800"]
    assert run(box, code, test=TEST, entry_point="f").failure == "ValueError: \\ud800 (line 3 of the test)"


def test_a_failure_longer_than_the_output_limit_is_still_a_failure(box: Sandbox) -> None:
    code = (
        "import os\ndef f(x):\n    said = ('[\"raised\", \"ValueError\", \"' + '\\U0001f600' * 2500 + '\"]').encode()\n"
        "    os.write(4, len(said).to_bytes(4, 'big') + said)\n"
    )
    result = run(box, code, test=TEST, entry_point="f", limits=Limits(seconds=20, output_kb=16))
    assert (result.status, result.failure) == ("error", "the test's report is unreadable")
