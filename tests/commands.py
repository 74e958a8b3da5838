"""Commands of r1lite, each in a process of its own. They are forked from one that has imported the libraries, which takes seconds."""

from __future__ import annotations

import multiprocessing
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PRELOADED = ["torch", "transformers", "hydra", "pyarrow.parquet", "rich.progress", "safetensors.torch"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """How a command ended, and what it printed."""

    code: int | None
    output: str


def run(*words: str, cwd: Path, stdin: str = "") -> Done:
    """`r1lite WORDS...`, in a folder."""
    context: Any = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    (cwd / "stdin").write_text(stdin)
    process = context.Process(target=_in_child, args=(words, cwd))
    process.start()
    process.join()
    return Done(code=process.exitcode, output=(cwd / "stdout").read_text())


def _in_child(words: tuple[str, ...], cwd: Path) -> None:
    os.chdir(cwd)
    for number, name, how in ((0, "stdin", os.O_RDONLY), (1, "stdout", os.O_WRONLY | os.O_CREAT)):
        os.dup2(os.open(name, how), number)
    os.dup2(1, 2)
    # The streams of the server that this was forked from are bound to its own terminal.
    sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", buffering=1, closefd=False)
    sys.stderr = sys.stdout
    sys.argv = ["r1lite", *words]
    sys.path.insert(0, str(cwd))
    from r1lite.cli import main

    main()
