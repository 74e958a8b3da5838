"""What is installed and where it comes from: pyproject, constraints, the Dockerfile and `make packages` say the same."""

import re
import tomllib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from r1lite import ROOMS

HOME = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((HOME / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
NEEDED = [Requirement(line) for line in (*PROJECT["project"]["dependencies"], *(line for lines in EXTRAS.values() for line in lines))]
PINS = dict(line.split("==") for line in (HOME / "constraints.txt").read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
DOCKERFILE = (HOME / "Dockerfile").read_text(encoding="utf-8")
BY_ITSELF = {"vllm"}  # it pins its own torch, so it is in no common set of versions


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture
def ci(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """A module of .ci/packages, which is a folder of scripts and no package."""
    monkeypatch.syspath_prepend(str(HOME / ".ci" / "packages"))
    return import_module


@pytest.mark.parametrize("need", NEEDED, ids=str)
def test_a_requirement_is_bounded_on_both_sides_and_its_pin_fits(need: Requirement) -> None:
    assert {spec.operator for spec in need.specifier} == {">=", "<"}
    pins = {canonical(name): version for name, version in PINS.items()}
    if need.name not in BY_ITSELF:
        assert pins[canonical(need.name)] in need.specifier


def test_every_extra_is_tried_by_itself(ci: Callable[[str], ModuleType]) -> None:
    assert set(ci("extras").EXTRAS) == set(EXTRAS)


def test_wheels_that_differ_are_told_apart(ci: Callable[[str], ModuleType], tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.whl", tmp_path / "theirs.whl"
    for wheel, files in ((ours, {"a.py": "1", "b.py": "2", "c.py": "3"}), (theirs, {"a.py": "1", "b.py": "two"})):
        with ZipFile(wheel, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
    assert ci("wheels").differences(ours, ours) == []
    assert [line.split()[0] for line in ci("wheels").differences(ours, theirs)] == ["b.py", "c.py"]


def test_the_wheel_is_made_of_every_package(ci: Callable[[str], ModuleType]) -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {f"{name}/" for name in (*wheel["packages"], *wheel["force-include"])} == set(ci("wheels").PACKAGES)
    assert set(wheel["packages"]) == {"r1lite", *ROOMS}


def test_the_image_is_made_of_what_the_wheel_is_made_of() -> None:
    allowed = {line[1:] for line in (HOME / ".dockerignore").read_text(encoding="utf-8").splitlines() if line.startswith("!")}
    wheel, project = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"], PROJECT["project"]
    needed = {
        *wheel["packages"],
        *wheel["force-include"],
        project["readme"],
        *project["license-files"],
        "pyproject.toml",
        "constraints.txt",
    }
    assert allowed == needed
    assert [name for name in allowed if not (HOME / name).exists()] == []


def test_the_image_has_the_tested_torch_and_extras_that_there_are() -> None:
    arguments = dict(re.findall(r"^ARG (\w+)=(\S+)$", DOCKERFILE, re.MULTILINE))
    assert arguments["TORCH"] == PINS["torch"]
    assert f"torch=={PINS['torch']}+cpu" in (HOME / "Makefile").read_text(encoding="utf-8")
    assert set(arguments["EXTRAS"].split(",")) == set(EXTRAS) - {
        "vllm",
        "ray",
        "docs",
        "notebook",
        "dev",
        "tensorboard",
        "wandb",
        "trackio",
        "mlflow",
        "swanlab",
    }
    low, high = re.findall(r"3\.\d+", PROJECT["project"]["requires-python"])
    assert low <= arguments["PYTHON"] < high


def test_the_image_is_small_and_nobody_is_root_in_it() -> None:
    stages = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]
    assert [stage.split("\n")[0] for stage in stages] == ["python:${PYTHON} AS build", "python:${PYTHON}-slim"]
    assert re.findall(r"^USER (\S+)$", stages[-1], re.MULTILINE) == ["$UID"]
    assert "://" not in DOCKERFILE
