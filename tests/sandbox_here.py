"""For the tests of the sandbox: run one program, with limits that suit a busy machine."""

from __future__ import annotations

from sandbox import Limits, Program, Result, Sandbox

LIMITS = Limits(seconds=20, memory_mb=64)


def run(box: Sandbox, code: str, **fields: object) -> Result:
    return box.run([Program(code=code, **{"limits": LIMITS, **fields})])[0]  # pyright: ignore
