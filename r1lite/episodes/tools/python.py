"""Python in the sandbox, with state within an episode: the calls before, as far as they succeeded, are run again first.

Covered: names, imports and functions of earlier calls. Not covered: anything that is not the same when it is run again, such as
random numbers without a seed or the time, and files, which each call finds empty.
"""

from __future__ import annotations

import atexit
from functools import cache
from typing import TYPE_CHECKING

from r1lite.episodes.tools import Session, tool

if TYPE_CHECKING:
    from sandbox import Sandbox

SECONDS, MEMORY_MB = 5.0, 256
# Output of earlier calls goes nowhere. A call's last expression is printed, as in an interactive session.
_SHELL = """\
import ast as _ast, contextlib as _contextlib, io as _io
_names = {{"__name__": "__main__"}}
def _run(code, show):
    tree = _ast.parse(code)
    last = tree.body.pop() if show and tree.body and isinstance(tree.body[-1], _ast.Expr) else None
    exec(compile(tree, "<python>", "exec"), _names)
    if last is not None:
        value = eval(compile(_ast.Expression(last.value), "<python>", "eval"), _names)
        if value is not None:
            print(value)
for _code in {before!r}:
    with _contextlib.redirect_stdout(_io.StringIO()), _contextlib.redirect_stderr(_io.StringIO()):
        _run(_code, False)
_run({code!r}, True)
"""


@tool
def python(code: str, session: Session) -> str:
    """Run Python code and return what it prints, and the value of its last line. Names from earlier calls are still there.

    Args:
        code: the code
    """
    from sandbox import Limits, Program

    before: list[str] = session.setdefault("python", [])
    program = Program(code=_SHELL.format(before=before, code=code), limits=Limits(seconds=SECONDS, memory_mb=MEMORY_MB))
    (result,) = _box().run([program])
    if result.status == "ok":
        before.append(code)
        return result.stdout.rstrip("\n")
    errors = result.stderr.strip().splitlines()
    reason = {"timeout": f"no end within {SECONDS:g} s", "memory": "out of memory", "output_limit": "too much output"}.get(result.status)
    return f"{result.stdout}error: {reason or (errors[-1] if errors else result.status)}"


@cache
def _box() -> Sandbox:
    from sandbox import Sandbox

    box = Sandbox(workers=1)
    atexit.register(box.close)
    return box
