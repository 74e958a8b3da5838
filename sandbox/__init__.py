"""Runs code that a model wrote, isolated from everything else. Independent of r1lite.

    from sandbox import Limits, Program, Sandbox

    with Sandbox(workers=2) as box:
        results = box.run([Program(code="print(input())", stdin="1", limits=Limits(seconds=2, memory_mb=256))])

The expected output never enters the sandbox: input goes in, output comes out, and the caller compares. `Program` describes how to
run code for what it prints, for what its functions return, or against a test that the code cannot reach. docs/use/sandbox.md lists
what is covered and what is not; `python -m sandbox --doctor` shows which protections work on this machine.
"""

from .box import Sandbox
from .types import Limits, Outcome, Program, Result, SandboxError

__all__ = ["Limits", "Outcome", "Program", "Result", "Sandbox", "SandboxError"]
