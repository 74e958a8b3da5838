"""Measures the sandbox's throughput, compared with one interpreter and one bubblewrap per program: python -m bench.sandbox

--mixed runs ten thousand programs, some of which hang, run out of memory or crash, and checks every result.
--long runs twenty thousand programs and prints the memory of the sandbox's processes. --human-eval FILE runs HumanEval's
solutions, and then programs that try to cheat its tests.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from sandbox import Limits, Program, Sandbox, jail

TRIVIAL = Program(code="print(int(input()) * 2)", stdin="21")
FUNCTION = Program(code="def f(x, y):\n    return [x + y]", fn_name="f", calls=[[n, n] for n in range(20)])
TEST = Program(
    code="def f(x):\n    return x + 1",
    test="def check(candidate):\n    for x in range(20):\n        assert candidate(x) == x + 1",
    entry_point="f",
)


def rate(run: Callable[[int], None], programs: int, rounds: int) -> float:
    """Programs per second in the best round, which was disturbed least by other work on the machine."""
    best = 0.0
    for _ in range(rounds):
        started = time.perf_counter()
        run(programs)
        best = max(best, programs / (time.perf_counter() - started))
    return best


def in_interpreters(command: list[str]) -> Callable[[int], None]:
    def run(programs: int) -> None:
        for _ in range(programs):
            done = subprocess.run([*command, "-I", "-c", TRIVIAL.code], input=b"21", capture_output=True, check=True)
            assert done.stdout == b"42\n", "the baseline itself is broken"

    return run


def in_sandbox(box: Sandbox, program: Program) -> Callable[[int], None]:
    def run(programs: int) -> None:
        failed = [result for result in box.run([program] * programs) if result.status != "ok"]
        assert not failed, f"a trivial program failed: {failed[0]}"

    return run


def table(programs: int, rounds: int) -> None:
    cores = sorted(os.sched_getaffinity(0))
    python = str(jail.interpreter())
    bubblewrap = [jail.bubblewrap() or "bwrap", "--ro-bind", "/", "/", "--unshare-all", "--", python]
    print(f"{'programs per second':<44}{'one core':>10}{f'{len(cores)} cores':>10}")
    rows: list[tuple[str, Iterable[str | None]]] = []
    for name, command in (("one python -I per program", [python]), ("one bubblewrap and python -I per program", bubblewrap)):
        rows.append((name, _each(lambda _, c=command: rate(in_interpreters(c), programs // 10, rounds), cores[:1])))
    for tier in ("full", "reduced", "unsafe"):
        for name, program in (("trivial", TRIVIAL), ("20 function calls", FUNCTION), ("a test of 20 calls", TEST)):
            rows.append((f"{tier}: {name}", _each(lambda w, p=program, t=tier: _sandbox_rate(t, w, p, programs, rounds), cores)))
    for name, figures in rows:
        print(f"{name:<44}" + "".join(f"{figure or '':>10}" for figure in figures), flush=True)


def _each(measure: Callable[[int], float], cores: list[int]) -> Iterable[str]:
    """Measure on one core, then on all."""
    for some in dict.fromkeys((tuple(cores[-1:]), tuple(cores))):
        os.sched_setaffinity(0, some)
        yield f"{measure(len(some)):.0f}"


def _sandbox_rate(tier: str, workers: int, program: Program, programs: int, rounds: int) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        box = Sandbox(workers=workers, tier="reduced" if tier == "reduced" else "full", unsafe=tier == "unsafe")
    with box:
        return rate(in_sandbox(box, program), programs, rounds)


def mixed(programs: int) -> None:
    """Every program prints its number. Of each twenty, one hangs, one takes all memory, and one crashes."""
    kinds = {
        0: ("timeout", "while True: pass"),
        1: ("memory", "l = []\nwhile True: l.append(bytearray(10**6))"),
        2: ("killed", "import ctypes\nctypes.string_at(0)"),
    }
    expected = [kinds.get(n % 20, ("ok", ""))[0] for n in range(programs)]
    sent = (
        Program(
            code=f"print({n}, flush=True)\n" + kinds.get(n % 20, ("", ""))[1],
            limits=Limits(seconds=0.3 if n % 20 == 0 else 30, memory_mb=64),
        )
        for n in range(programs)
    )
    started = time.perf_counter()
    with Sandbox(workers=2) as box:
        results = box.run(sent)
    wrong = [(n, result) for n, result in enumerate(results) if result.status != expected[n] or result.stdout != f"{n}\n"]
    print(f"{len(results)} of {programs} programs in {time.perf_counter() - started:.0f} s: {dict(Counter(r.status for r in results))}")
    print(f"wrong status or output: {len(wrong)} {wrong[:3]}")


def long(programs: int) -> None:
    with Sandbox(workers=1) as box:
        for done in range(0, programs + 1, programs // 10):
            server = max(_children(os.getpid()))
            print(f"after {done:>6} programs: supervisor {_memory(os.getpid())} MB, fork server {_memory(server)} MB", flush=True)
            if done < programs:
                for _ in box.stream([TRIVIAL] * (programs // 10)):
                    pass


ALWAYS_EQUAL = """
    class Equal(int):
        def __eq__(self, other): return True
        def __ne__(self, other): return False
        __hash__ = int.__hash__
    return Equal()
"""


def human_eval(file: Path) -> None:
    """Run HumanEval's solutions, then bodies that pass a harness which shares their process."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        tasks = [json.loads(line) for line in lines]
    bodies = {
        "canonical solution": None,
        "pass": "    pass\n",
        "always equal": ALWAYS_EQUAL,
        "os._exit(0)": "    import os\n    os._exit(0)\n",
    }
    with Sandbox(workers=2) as box:
        for name, body in bodies.items():
            started = time.perf_counter()
            results = box.run(_task(task, body or task["canonical_solution"]) for task in tasks)
            passed = sum(result.status == "ok" for result in results)
            print(f"{name:<20}{passed:>4} of {len(tasks)} pass, {time.perf_counter() - started:.1f} s")


def _task(task: dict[str, str], body: str) -> Program:
    code, name = task["prompt"] + body, task["entry_point"]
    return Program(code=code, test=task["test"], entry_point=name, setup=task["prompt"], limits=Limits(seconds=10))


def _children(pid: int) -> list[int]:
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    return children + [descendant for child in children for descendant in _children(child)]


def _memory(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) // 1024


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.sandbox")
    parser.add_argument("--mixed", action="store_true", help="run ten thousand programs, some of which misbehave")
    parser.add_argument("--long", action="store_true", help="run twenty thousand programs and print memory use")
    parser.add_argument("--human-eval", type=Path, metavar="FILE", help="HumanEval.jsonl.gz of the human-eval package")
    parser.add_argument("--programs", type=int)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if options.mixed:
        mixed(options.programs or 10_000)
    elif options.human_eval:
        human_eval(options.human_eval)
    elif options.long:
        long(options.programs or 20_000)
    else:
        table(options.programs or 300, options.rounds)


if __name__ == "__main__":
    sys.exit(main())
