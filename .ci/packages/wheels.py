"""The wheel: the same from the tree and from the sdist, nothing left out, and working in an empty folder."""

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
# What can be named in a setting. Read from the checkout and from the installed wheel, both must say the same.
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
# A command, and what it must show. In this order: later ones use what earlier ones left.
USES = (
    (f"r1lite demo {SMALL}", "everything is in"),
    (f"r1lite demo {SMALL}", "distill: finished before"),
    (f"python -m r1lite.train experiment=r1_zero task=countdown run_dir=runs/zero {SMALL}", "everything is in"),
    (f"r1lite evaluate runs/demo tiny_student {TABLE}", "tiny_student"),
    ("r1lite export runs/demo output=mine", "mine holds the model of runs/demo"),
    ("r1lite chat mine threads=1 sampler.max_tokens=16", ""),
    ("r1lite reward new brief brief", "brief"),
    ("python -m sandbox --doctor", "verdict"),
    ("python -m r1lite.score --help", "input=in.jsonl"),
)


def built(folder: Path) -> Path:
    """The wheel from the tree, after the one from the sdist was compared with it."""
    variables = clean() | {"PIP_CONSTRAINT": str(CONSTRAINTS)}
    for what, option in (("sdist", ()), ("tree", ("--wheel",))):  # without an option: an sdist, and the wheel from it
        command = [sys.executable, "-m", "build", *option, "--outdir", folder / what, HOME]
        both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        must(subprocess.run(command, cwd=folder, env=variables, text=True, check=False, **both), "Successfully built")
    (ours,), (theirs,) = (folder / "tree").glob("*.whl"), (folder / "sdist").glob("*.whl")
    (sdist,) = (folder / "sdist").glob("*.tar.gz")
    if wrong := [*differences(ours, theirs), *unlike_the_tree(ours, sdist)]:
        sys.exit("\n".join(wrong))
    return ours


def differences(ours: Path, theirs: Path) -> list[str]:
    """What the wheel of the tree and the wheel of the sdist do not share."""
    mine, other = _contents(ours), _contents(theirs)
    return [f"{name} is not the same in the wheel from the sdist" for name in sorted({*mine, *other}) if mine.get(name) != other.get(name)]


def unlike_the_tree(wheel: Path, sdist: Path) -> list[str]:
    """Files that the wheel or the sdist lacks, and files that should not be in it. The sdist is the whole tree."""
    tracked = subprocess.run(["git", "ls-files"], cwd=HOME, text=True, check=True, stdout=subprocess.PIPE).stdout.splitlines()
    packaged = {f"r1lite/{name}" if name.startswith("conf/") else name for name in tracked if name.startswith(PACKAGES)}
    with tarfile.open(sdist) as archive:
        in_sdist = {name.partition("/")[2] for name in archive.getnames()}
    in_wheel = {name for name in _contents(wheel) if ".dist-info/" not in name}
    return [*_apart("wheel", packaged, in_wheel), *_apart("sdist", {*tracked, "PKG-INFO"}, in_sdist)]


def _apart(what: str, wanted: set[str], found: set[str]) -> list[str]:
    return [f"{name} is {'not in' if name in wanted else 'not tracked by git, but in'} the {what}" for name in sorted(wanted ^ found)]


def _contents(wheel: Path) -> dict[str, bytes]:
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def install(core: Environment, wheel: Path) -> None:
    """The wheel and its dependencies alone, with the build of torch that the checkout has."""
    core.install(f"torch=={version('torch')}")
    core.install(wheel)


def use(core: Environment, empty: Path) -> None:
    """Everything a user may do with r1lite, in a folder that holds nothing."""
    must(core.run("r1lite --version", empty), f"r1lite {version('r1lite')}")
    here = subprocess.run([sys.executable, "-c", NAMES], cwd=HOME, text=True, check=True, stdout=subprocess.PIPE).stdout
    must(core.run(f"python -c {shlex.quote(NAMES)}", empty), here)
    assert all(json.loads(here))
    must(core.run("r1lite -sc query=bash", empty, COMP_LINE="r1lite demo algorithm=gsp"), "algorithm=gspo algorithm=gspo_token")
    for command, shows in USES:
        print(f"  {command.partition(' threads=')[0]}", flush=True)
        must(core.run(command, empty, typed="7+12*3+5 mod 23\n"), shows)


def use_a_rule_of_ones_own(core: Environment, empty: Path) -> None:
    """The package that `r1lite reward new` wrote is found by its name, once it is installed beside the wheel."""
    core.install(empty / "brief")
    must(core.run("r1lite reward explain brief 'completion=<think>so</think><answer>7</answer>' answer=7", empty), "value    1")
