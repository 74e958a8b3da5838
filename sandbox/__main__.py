"""python -m sandbox FILE runs one program; python -m sandbox --doctor shows which protections work on this machine."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .box import Sandbox
from .diagnose import doctor
from .types import Limits, Program, Result, SandboxError


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Runs one Python program in the sandbox.")
    parser.add_argument("file", nargs="?", help="the program; - reads it from standard input")
    parser.add_argument("--stdin", default="", metavar="TEXT", help="standard input of the program")
    parser.add_argument("--seconds", type=float, default=Limits().seconds)
    parser.add_argument("--memory-mb", type=int, default=Limits().memory_mb)
    parser.add_argument("--tier", choices=["full", "reduced"], default="full")
    parser.add_argument("--unsafe", action="store_true", help="no protection, only limits")
    parser.add_argument("--doctor", action="store_true", help="show which protections work on this machine, and why")
    arguments = parser.parse_args(argv)
    if arguments.doctor:
        for line in doctor():
            print(line, flush=True)
        return 0
    if arguments.file is None:
        parser.error("expected a FILE or --doctor")
    code = sys.stdin.read() if arguments.file == "-" else Path(arguments.file).read_text(encoding="utf-8")
    program = Program(code=code, stdin=arguments.stdin, limits=Limits(seconds=arguments.seconds, memory_mb=arguments.memory_mb))
    try:
        with Sandbox(workers=1, tier=arguments.tier, unsafe=arguments.unsafe) as box:
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
