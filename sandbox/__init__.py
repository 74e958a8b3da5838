"""Runs code that a model wrote, apart from everything else. It knows nothing of r1lite.

    from sandbox import Limits, Program, Sandbox

    with Sandbox(workers=2) as box:
        results = box.run([Program(code="print(input())", stdin="1", limits=Limits(seconds=2, memory_mb=256))])

What is expected of a program never goes in: input goes in, output comes out, and whoever asked compares. `Program` says how to
run code for what it prints, for what its functions return, or against a test that its code cannot reach. docs/use/sandbox.md says
what is covered and what is not; `python -m sandbox --doctor` shows what holds on this machine.
"""

from .box import Sandbox
from .types import Limits, Outcome, Program, Result, SandboxError

__all__ = ["Limits", "Outcome", "Program", "Result", "Sandbox", "SandboxError"]
