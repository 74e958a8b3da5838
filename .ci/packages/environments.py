"""Virtual environments to install into, and commands that run in them as a user would run them."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
CONSTRAINTS = HOME / "constraints.txt"
R1LITE = ("-c", "from r1lite.cli import main; main()")  # where the command lies in the environment above


@dataclass(frozen=True, kw_only=True)
class Environment:
    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        return Path(sysconfig.get_path("purelib", "posix_prefix", {"base": str(self.folder)}))

    def install(self, *what: str | Path) -> None:
        words = [self.python, "-m", "pip", "install", "-q", "-c", CONSTRAINTS, *what]
        subprocess.run(words, cwd=self.folder, env=clean(), check=True)

    def run(self, command: str, folder: Path, *, typed: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        """A command of this environment, in a folder; output and errors come back as one text."""
        program, *rest = shlex.split(command)
        script = self.folder / "bin" / program
        words = [script, *rest] if script.exists() else [self.python, *R1LITE, *rest]
        both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.run(words, cwd=folder, env=clean() | variables, input=typed, text=True, check=False, **both)


def make(folder: Path, *, above: Environment | None = None) -> Environment:
    """A fresh environment. `above` another one, it also sees what is installed there, but changes nothing of it."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    made = Environment(folder=folder)
    if above:
        (made.packages / "above.pth").write_text(f"{above.packages}\n")
    return made


def clean() -> dict[str, str]:
    """Without what would let a command see the checkout, or the network's models."""
    dropped = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "R1LITE_NEEDS_VLLM")
    return {name: value for name, value in os.environ.items() if name not in dropped} | {"HF_HUB_OFFLINE": "1", "COLUMNS": "200"}


def must(done: subprocess.CompletedProcess[str], shows: str) -> None:
    """End the check where a command failed, or did not show what it should."""
    if done.returncode or shows not in done.stdout:
        sys.exit(f"{' '.join(map(str, done.args))}\nended with {done.returncode}, and should show {shows!r}:\n{done.stdout}")
