"""Virtual environments, and commands that run in them as users would run them."""

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
R1LITE = ("-c", "from r1lite.cli import main; main()")  # for environments that only see r1lite in their base


@dataclass(frozen=True, kw_only=True)
class Environment:
    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        return Path(sysconfig.get_path("purelib", "posix_prefix", {"base": str(self.folder)}))

    def install(self, *requirements: str | Path) -> None:
        words = [self.python, "-m", "pip", "install", "-q", "-c", CONSTRAINTS, *requirements]
        subprocess.run(words, cwd=self.folder, env=clean(), check=True)

    def run(self, command: str, folder: Path, *, typed: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command of this environment in a folder, with `typed` as its input. Output and errors are one text."""
        program, *rest = shlex.split(command)
        script = self.folder / "bin" / program
        words = [script, *rest] if script.exists() else [self.python, *R1LITE, *rest]
        both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.run(words, cwd=folder, env=clean() | variables, input=typed, text=True, check=False, **both)


def make(folder: Path, *, base: Environment | None = None) -> Environment:
    """A fresh environment, which also sees the packages of `base`, but does not change them."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    made = Environment(folder=folder)
    if base:
        (made.packages / "base.pth").write_text(f"{base.packages}\n")
    return made


def clean() -> dict[str, str]:
    """The environment variables, without those that expose the checkout, and with the hub turned off."""
    dropped = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "R1LITE_NEEDS_VLLM", "R1LITE_NEEDS_TRACKERS")
    return {name: value for name, value in os.environ.items() if name not in dropped} | {"HF_HUB_OFFLINE": "1", "COLUMNS": "200"}


def must(done: subprocess.CompletedProcess[str], shows: str) -> None:
    """End the check if a command failed, or if its output does not contain `shows`."""
    if done.returncode or shows not in done.stdout:
        sys.exit(f"{' '.join(map(str, done.args))}\nexited with {done.returncode}, and its output should contain {shows!r}:\n{done.stdout}")
