"""Checks the wheel: it is the same from the tree and from the sdist, it is complete, and it works in an empty folder."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

from environments import CONSTRAINTS, HOME, Environment, clean, must

PACKAGES = ("r1lite/", "rewards/", "tasks/", "sandbox/", "conf/")
# The names that settings may use, which must be the same in the checkout and in the installed wheel.
NAMES = """
import json
from r1lite.settings.suggestions import choices
from r1lite.stages import stages
from rewards import rewards
from tasks import tasks
print(json.dumps([rewards.names(), tasks.names(), stages.names(), choices()]))
"""
SMALL = (
    "threads=1 scoring.right_at=0 sampler.max_tokens=96 rl.steps=1 rl.prompts_per_step=2 rl.group_size=2 "
    "cold_start.steps=1 cold_start.examples=2 cold_start.batch_size=2 sft.steps=1 sft.batch_size=2 reject.prompts=16 reject.samples=8 "
    "distill.prompts=16 distill.samples=8 distill.steps=1 distill.batch_size=2 evaluate.problems=2 evaluate.samples=2 evaluate.k=2"
)
TABLE = "threads=1 sampler.max_tokens=16 evaluate.problems=2 evaluate.samples=1 evaluate.k=1"
# Commands, and what the output of each must contain. Later ones use the results of earlier ones.
USES = (
    (f"r1lite demo {SMALL}", "the results are in"),
    (f"r1lite demo {SMALL}", "distill: already finished"),
    (f"python -m r1lite.train experiment=r1_zero task=countdown run_dir=runs/zero {SMALL}", "the results are in"),
    (f"r1lite evaluate runs/demo tiny_student {TABLE}", "tiny_student"),
    ("r1lite export runs/demo output=mine", "exported runs/demo to mine"),
    ("r1lite chat mine threads=1 sampler.max_tokens=16", ""),
    ("r1lite reward new brief brief", "brief"),
    ("python -m sandbox --doctor", "verdict"),
    ("python -m r1lite.score --help", "input=in.jsonl"),
)


def build(folder: Path) -> Path:
    """Build the wheel from the tree, and compare it with the one from the sdist."""
    variables = clean() | {"PIP_CONSTRAINT": str(CONSTRAINTS)}
    for name, option in (("sdist", ()), ("tree", ("--wheel",))):  # without an option: an sdist, and the wheel from it
        command = [sys.executable, "-m", "build", *option, "--outdir", folder / name, HOME]
        both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        must(subprocess.run(command, cwd=folder, env=variables, text=True, check=False, **both), "Successfully built")
    (wheel,), (from_sdist,) = (folder / "tree").glob("*.whl"), (folder / "sdist").glob("*.whl")
    (sdist,) = (folder / "sdist").glob("*.tar.gz")
    if wrong := [*differences(wheel, from_sdist), *unlike_the_tree(wheel, sdist)]:
        sys.exit("\n".join(wrong))
    return wheel


def differences(wheel: Path, from_sdist: Path) -> list[str]:
    """Files that differ between the wheel from the tree and the wheel from the sdist."""
    a, b = _contents(wheel), _contents(from_sdist)
    return [f"{name} is not the same in the wheel from the sdist" for name in sorted({*a, *b}) if a.get(name) != b.get(name)]


def unlike_the_tree(wheel: Path, sdist: Path) -> list[str]:
    """Files that are missing from the wheel or the sdist, or should not be in it. The sdist has the whole tree."""
    tracked = subprocess.run(["git", "ls-files"], cwd=HOME, text=True, check=True, stdout=subprocess.PIPE).stdout.splitlines()
    packaged = {f"r1lite/{name}" if name.startswith("conf/") else name for name in tracked if name.startswith(PACKAGES)}
    with tarfile.open(sdist) as archive:
        in_sdist = {name.partition("/")[2] for name in archive.getnames()}
    in_wheel = {name for name in _contents(wheel) if ".dist-info/" not in name}
    return [*_mismatches("wheel", packaged, in_wheel), *_mismatches("sdist", {*tracked, "PKG-INFO"}, in_sdist)]


def _mismatches(archive: str, expected: set[str], actual: set[str]) -> list[str]:
    return [
        f"{name} is {'not in' if name in expected else 'not tracked by git, but in'} the {archive}" for name in sorted(expected ^ actual)
    ]


def _contents(wheel: Path) -> dict[str, bytes]:
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def install(core: Environment, wheel: Path) -> None:
    """Install the wheel and its dependencies, with the same build of torch as in the checkout."""
    core.install(f"torch=={version('torch')}")
    core.install(wheel)


def use(core: Environment, empty: Path) -> None:
    """Run the commands of r1lite in an empty folder."""
    must(core.run("r1lite --version", empty), f"r1lite {version('r1lite')}")
    here = subprocess.run([sys.executable, "-c", NAMES], cwd=HOME, text=True, check=True, stdout=subprocess.PIPE).stdout
    must(core.run(f"python -c {shlex.quote(NAMES)}", empty), here)
    assert all(json.loads(here))
    must(core.run("r1lite -sc query=bash", empty, COMP_LINE="r1lite demo algorithm=gsp"), "algorithm=gspo algorithm=gspo_token")
    for command, shows in USES:
        print(f"  {command.partition(' threads=')[0]}", flush=True)
        must(core.run(command, empty, typed="7+12*3+5 mod 23\n"), shows)


def use_new_rule(core: Environment, empty: Path) -> None:
    """Install the package that `r1lite reward new` wrote; its rule must then be found by name."""
    core.install(empty / "brief")
    must(core.run("r1lite reward explain brief 'completion=<think>so</think><answer>7</answer>' answer=7", empty), "value    1")
