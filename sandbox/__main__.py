"""python -m sandbox FILE runs one program; python -m sandbox --doctor shows what holds on this machine."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .box import Sandbox
from .diagnose import doctor
from .types import Limits, Program, Result, SandboxError


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Runs one Python program in the sandbox.")
    parser.add_argument("file", nargs="?", help="the program; - reads it from standard input")
    parser.add_argument("--stdin", default="", metavar="TEXT", help="what the program reads")
    parser.add_argument("--seconds", type=float, default=Limits().seconds)
    parser.add_argument("--memory-mb", type=int, default=Limits().memory_mb)
    parser.add_argument("--tier", choices=["full", "reduced"], default="full")
    parser.add_argument("--unsafe", action="store_true", help="no protection at all, only limits")
    parser.add_argument("--doctor", action="store_true", help="show what holds on this machine, and why")
    asked = parser.parse_args(words)
    if asked.doctor:
        for line in doctor():
            print(line, flush=True)
        return 0
    if asked.file is None:
        parser.error("a FILE, or --doctor")
    code = sys.stdin.read() if asked.file == "-" else Path(asked.file).read_text(encoding="utf-8")
    program = Program(code=code, stdin=asked.stdin, limits=Limits(seconds=asked.seconds, memory_mb=asked.memory_mb))
    try:
        with Sandbox(workers=1, tier=asked.tier, unsafe=asked.unsafe) as box:
            return _show(box.run([program])[0])
    except SandboxError as error:
        print(error, file=sys.stderr)
        return 70


def _show(result: Result) -> int:
    sys.stdout.write(result.stdout)
    sys.stderr.write(result.stderr)
    print(f"[{result.status}, {result.seconds:.3f} s, tier {result.tier}]", file=sys.stderr)
    return 0 if result.status == "ok" else result.exit_code if result.exit_code and result.exit_code > 0 else 1


if __name__ == "__main__":
    raise SystemExit(main())
