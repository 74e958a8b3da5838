"""A program's process, from the fork to its end. Once `run_as` has started the program, nothing in this process is trusted."""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import linecache
import os
import sys
import threading
import traceback
import types
from collections.abc import Callable
from typing import Any, NoReturn

from . import wire
from .answer import answer
from .confine import CHANNEL_FD, REPORT_FD, Confinement
from .driver import drive
from .jsonable import jsonable
from .server import Role

_MARK_FD = 5
_FILE = "program.py"


def run_as(role: Role, confinement: Confinement) -> NoReturn:
    """Confine this process, then run the program or the test's driver."""
    job = _read(role.text)
    report = role.descriptors[REPORT_FD]
    try:
        confinement.apply(role.request, role.descriptors)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.write(report, str(error).encode())
        os._exit(1)
    os.write(_MARK_FD, b"+")
    os.close(_MARK_FD)
    if role.request.kind != wire.TEST:
        # This descriptor is shared with the fork server: locks and flags that a program left on it would affect the next one.
        os.close(CHANNEL_FD)
    if role.driver:
        drive(job, role.request.output)
        os._exit(0)
    gc.enable()
    _finish(_run(job, role.request))


def _read(descriptor: int) -> dict[str, Any]:
    return json.loads(os.pread(descriptor, os.fstat(descriptor).st_size, 0))


def _run(job: dict[str, Any], request: wire.Request) -> int:
    try:
        names = _load(job["code"])
        if request.kind == wire.CALLS:
            _call(function(names, job["fn_name"]), job["calls"])
        elif request.kind == wire.TEST:
            answer(lambda name: function(names, name), request.output)
    except SystemExit as end:
        return _exit_code(end.code)
    except MemoryError:
        os.write(REPORT_FD, wire.OUT_OF_MEMORY)
        _print_traceback()
        return 1
    except BaseException:
        _print_traceback()
        return 1
    return 0


def _load(code: str) -> dict[str, Any]:
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    linecache.cache[_FILE] = (len(code), None, code.splitlines(keepends=True), _FILE)
    exec(compile(code, _FILE, "exec", dont_inherit=True), module.__dict__)
    return module.__dict__


def function(names: dict[str, Any], name: str) -> Callable[..., Any]:
    if name not in names and "Solution" in names:
        return getattr(names["Solution"](), name)
    if name not in names:
        raise NameError(f"the code defines no function {name!r}")
    return names[name]


def _call(called: Callable[..., Any], calls: list[list[Any]]) -> None:
    """Write one line of JSON per call: [value], or {"error": ...}."""
    for arguments in calls:
        try:
            value = called(*arguments)
        except MemoryError:
            raise
        except BaseException as error:
            line = json.dumps({"error": describe(error)})
        else:
            line = _as_line(value)
        os.write(REPORT_FD, line.encode() + b"\n")


def _as_line(value: Any) -> str:
    try:
        return json.dumps([jsonable(value)])
    except (TypeError, ValueError, RecursionError) as error:
        return json.dumps({"error": f"not JSON: {error}"})


def describe(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"[:1000]
    except BaseException:
        return type(error).__name__


def _exit_code(code: object) -> int:
    """The exit code for an argument of sys.exit, as in the interpreter."""
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1


def _print_traceback() -> None:
    """Print the traceback, beginning with the program's own frames."""
    kind, error, trace = sys.exc_info()
    with contextlib.suppress(BaseException):
        while trace and trace.tb_frame.f_code.co_filename != _FILE:
            trace = trace.tb_next
        if isinstance(error, BaseException):
            error.__traceback__ = trace
        hook = sys.excepthook
        if hook is sys.__excepthook__:
            traceback.print_exception(kind, error, trace)
        else:
            hook(kind, error, trace)  # pyright: ignore[reportArgumentType]


def _finish(code: int) -> NoReturn:
    """Do what the interpreter does at exit, except for freeing its own memory."""
    for step in (threading._shutdown, atexit._run_exitfuncs, sys.stdout.flush, sys.stderr.flush):  # pyright: ignore
        try:
            step()
        except BaseException:
            code = code or 1
    os._exit(code)


def warm_up() -> None:
    """Do once what every program will do. The memory that this touches is then shared by all programs and not copied by each."""
    job = os.memfd_create("job")
    text = {
        "code": "def f(x):\n    return x\nprint(sum(map(int, '1 2'.split())), [str(f(i)) for i in range(3)])",
        "calls": [[1, "a", [2.0, None]]] * 3,
    }
    os.write(job, json.dumps(text).encode())
    main, out = sys.modules["__main__"], sys.stdout
    with open(os.devnull, "w", encoding="utf-8") as nothing, contextlib.redirect_stdout(nothing):
        for _ in range(20):
            loaded = _read(job)
            names = _load(loaded["code"])
            _as_line([names["f"](*call[:1]) for call in loaded["calls"]])
            out.flush()
    sys.modules["__main__"] = main
    os.close(job)
