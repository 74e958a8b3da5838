"""Who may import whom, read off every file. And nobody else's `tasks.py` passes for ours."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parent.parent
PACKAGES = ("r1lite", "rewards", "tasks", "sandbox")
HEAVY = {"torch", "transformers", "sympy", "datasets", "pyarrow", "vllm", "ray", "math_verify", "pandas"}
FILES = sorted(path.relative_to(HOME) for package in PACKAGES for path in (HOME / package).rglob("*.py"))
BESIDE = sorted(path.relative_to(HOME) for folder in ("bench", "examples") for path in (HOME / folder).rglob("*.py"))
# A room is a folder or a loose file of r1lite, or one of the other packages. Each imports from rows above its own, and from no
# room of its own row, so there can be no ring.
FLOORS = (
    "r1lite r1lite/types r1lite/registry sandbox",
    "r1lite/text r1lite/advantage r1lite/config r1lite/endpoint r1lite/parallel",
    "r1lite/prompt r1lite/console r1lite/losses r1lite/settings",
    "rewards tasks r1lite/objective r1lite/trackers",
    "r1lite/store",
    "r1lite/models r1lite/scoring",
    "r1lite/episodes",
    "r1lite/learning r1lite/sampling r1lite/data",
    "r1lite/rl r1lite/planning",
    "r1lite/diagnosis",
    "r1lite/build",
    "r1lite/teaching r1lite/reporting r1lite/launch r1lite/audit",
    "r1lite/checks r1lite/page",
    "r1lite/stages",
    "r1lite/preflight",
    "r1lite/commands",
    "r1lite/api",
    "r1lite/train r1lite/score r1lite/cli",
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms.split()}
# Rooms, and files, that must know less than the floors below them hold.
NARROW = {
    "tasks": "r1lite/types r1lite/registry r1lite/text",
    "rewards": "r1lite/types r1lite/registry r1lite/text r1lite/prompt r1lite/endpoint sandbox",
    "r1lite/endpoint": "r1lite/types",
    "r1lite/advantage": "r1lite/types",
    "r1lite/losses": "r1lite/config",  # the presets' values lie in YAML
    "r1lite/objective": "r1lite/losses",
    "r1lite/rl/filters.py": "r1lite/advantage",
}
# What `python -m r1lite.train --help` needs.
LIGHT = ("__init__", "types", "registry", "config", "settings/compose", "settings/command_line", "settings/suggestions", "train", "cli")


def imports(source: str, package: str, *, at_module_level: bool = False) -> list[str]:
    """Dotted names of everything imported: `from a.b import c` is a.b.c."""
    tree = ast.parse(source)
    return [name for node in (_at_import(tree) if at_module_level else ast.walk(tree)) for name in _names(node, package)]


def _at_import(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when the file is imported: no function's body, and nothing that is there for type checkers alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield child
        yield from _at_import(child)


def _names(node: ast.AST, package: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        base = ".".join([*parents, *([node.module] if node.module else [])])
        return [f"{base}.{alias.name}" for alias in node.names]
    return []


def read(path: Path, *, at_module_level: bool = False) -> list[str]:
    return imports((HOME / path).read_text(encoding="utf-8"), ".".join(path.parent.parts), at_module_level=at_module_level)


def room_of(name: str) -> str:
    """The room of a dotted name: r1lite.learning.policy.Policy lies in r1lite/learning, rewards.math in rewards."""
    package, *rest = name.split(".")
    loose = package != "r1lite" or not rest or f"r1lite/{rest[0]}" not in FLOOR
    return package if loose else f"r1lite/{rest[0]}"


def room_of_file(path: Path) -> str:
    return room_of(".".join(path.with_suffix("").parts).removesuffix(".__init__"))


def ours(path: Path) -> list[str]:
    """What a file imports from other rooms of ours. The package itself names what it offers from above, for type checkers."""
    names = read(path, at_module_level=path == Path("r1lite/__init__.py"))
    return [name for name in names if name.split(".")[0] in PACKAGES and room_of(name) != room_of_file(path)]


def test_imports_are_read_as_python_reads_them() -> None:
    source = """
import torch.nn as nn
from r1lite import score
from ._files import read_rows
from .. import types
if TYPE_CHECKING:
    import ray
class A:
    import sympy
    def f(self):
        from pandas import DataFrame
try:
    import vllm
except ImportError:
    pass
"""
    assert sorted(imports(source, "r1lite.stages")) == [
        "pandas.DataFrame", "r1lite.score", "r1lite.stages._files.read_rows", "r1lite.types", "ray", "sympy", "torch.nn", "vllm"
    ]  # fmt: skip
    assert {"ray", "pandas.DataFrame"}.isdisjoint(imports(source, "r1lite.stages", at_module_level=True))
    assert {"torch.nn", "sympy", "vllm"} <= set(imports(source, "r1lite.stages", at_module_level=True))


def test_every_file_has_a_floor() -> None:
    assert {room_of_file(path) for path in FILES} == set(FLOOR)
    loose = [path for path in FILES if path.parts[0] == "r1lite" and len(path.parts) == 2]
    assert len(loose) <= 12


@pytest.mark.parametrize("path", FILES, ids=str)
def test_arrows_point_downwards(path: Path) -> None:
    room = room_of_file(path)
    assert [name for name in ours(path) if FLOOR[room_of(name)] >= FLOOR[room]] == []


@pytest.mark.parametrize("narrow", NARROW)
def test_what_is_pure_knows_little(narrow: str) -> None:
    files = [path for path in FILES if path.as_posix() == narrow or room_of_file(path) == narrow]
    assert files
    assert {room_of(name) for path in files for name in ours(path)} <= set(NARROW[narrow].split())


def private(name: str) -> bool:
    return any(part.startswith("_") and not part.endswith("__") for part in name.split("."))


@pytest.mark.parametrize(
    "path", [*FILES, *sorted(p.relative_to(HOME) for f in ("bench", "examples") for p in (HOME / f).rglob("*.py"))], ids=str
)
def test_nobody_imports_a_private_name_of_another_room(path: Path) -> None:
    assert [name for name in ours(path) if private(name)] == []


@pytest.mark.parametrize("path", [*FILES, *BESIDE], ids=str)
def test_functions_fit_the_eye(path: Path) -> None:
    tree = ast.parse((HOME / path).read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert [f.name for f in functions if f.end_lineno and f.end_lineno - f.lineno >= 50] == []


def test_every_room_says_what_it_is_for() -> None:
    rooms = [path for path in FILES if path.name == "__init__.py" and path.parts[0] == "r1lite" and len(path.parts) > 2]
    assert [path.parent.name for path in rooms if not ast.get_docstring(ast.parse((HOME / path).read_text(encoding="utf-8")))] == []
    assert {path.parent for path in FILES if path.parts[0] == "r1lite"} == {Path("r1lite"), *(path.parent for path in rooms)}


def test_the_sandbox_needs_nothing_but_the_standard_library() -> None:
    used = {name.split(".")[0] for path in FILES if path.parts[0] == "sandbox" for name in read(path)}
    assert used <= {*sys.stdlib_module_names, "sandbox"}


def test_advantages_know_no_tensors() -> None:
    used = {name.split(".")[0] for name in read(Path("r1lite/advantage.py"))}
    assert used <= {*sys.stdlib_module_names, "r1lite"}


@pytest.mark.parametrize("name", LIGHT)
def test_help_needs_nothing_heavy(name: str) -> None:
    used = {found.split(".")[0] for found in read(Path(f"r1lite/{name}.py"), at_module_level=True)}
    assert not used & HEAVY


def python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)


def test_nor_does_anything_that_these_import(tmp_path: Path) -> None:
    done = python(f"import sys, r1lite.cli; from r1lite import *; print(sorted({HEAVY} & set(sys.modules)))", tmp_path)
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize("name", ["tasks.py", "rewards.py", "sandbox/__init__.py"])
def test_a_file_of_the_users_that_bears_our_name_is_refused(name: str, tmp_path: Path) -> None:
    theirs = tmp_path / name
    theirs.parent.mkdir(exist_ok=True)
    theirs.write_text("print('this must not run')\n")
    done = python("import r1lite", tmp_path)
    room = name.removesuffix(".py").split("/")[0]
    assert done.stdout == ""
    assert f"ImportError: the name {room!r} resolves to {theirs}, which is not r1lite's ({HOME / room}). Rename that file" in done.stderr


def test_another_package_that_overwrote_ours_is_noticed(tmp_path: Path) -> None:
    for room in PACKAGES:
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text((HOME / room / "__init__.py").read_text(encoding="utf-8"), encoding="utf-8")
    assert python("import r1lite", tmp_path).stderr == ""
    (tmp_path / "tasks" / "__init__.py").write_text("print('this must not run')\n")
    done = python("import r1lite", tmp_path)
    assert done.stdout == ""
    assert f"ImportError: {tmp_path / 'tasks' / '__init__.py'} belongs to another installed package" in done.stderr


def test_a_folder_of_our_name_that_is_no_package_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "tasks").mkdir()
    assert python("import r1lite, tasks; print(tasks.__file__)", tmp_path).stdout == f"{HOME / 'tasks' / '__init__.py'}\n"
