"""Names, doors, duplicates and options."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from r1lite.registry import Registry, UnknownName, load_plugins, place, unknown
from rewards import rewards
from tasks import tasks

RULE = """\
from rewards import reward


@reward({name!r})
def rule(problem, rollout, *, bonus: float = 0.5, scale: float):
    return bonus * scale
"""


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The registry of rewards, as a fresh process would have it, and a folder to write plugins in."""
    fresh: Registry[Any, Any] = Registry("reward", "rewards")
    monkeypatch.setattr("rewards.rewards", fresh)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield fresh
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_every_file_registers_the_name_it_bears() -> None:
    for registry in (rewards, tasks):
        assert registry._files()
        for name in registry._files():  # not names(): a run of this process may have registered functions
            assert registry[name].__module__ == f"{registry.package}.{name}"


def test_names_are_known_without_importing_anything() -> None:
    assert {"answer", "countdown", "format", "length"} <= set(Registry("reward", "rewards").names())
    assert {"arithmetic", "countdown", "dataset"} <= set(Registry("task", "tasks").names())
    assert Registry("thing", "no_such_package").names() == []


def test_an_unknown_name_lists_what_exists_and_the_nearest() -> None:
    with pytest.raises(UnknownName) as error:
        tasks["aritmetic"]
    assert str(error.value) == f"unknown task 'aritmetic'. Did you mean 'arithmetic'? Known: {', '.join(tasks.names())}."
    with pytest.raises(UnknownName, match=r"unknown task 'zzz'\. Known: arithmetic"):
        tasks["zzz"]
    assert unknown("stage", "x", []) == "unknown stage 'x'. Known: none."


def test_files_that_are_no_entries_cannot_be_asked_for() -> None:
    with pytest.raises(UnknownName):
        tasks["_files"]


def test_a_plugin_is_a_file(rules: Registry, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(RULE.format(name="mine"))
    load_plugins(["./mine.py"])
    assert rules["mine"](None, None, scale=4.0) == 2.0
    assert "mine" in rules.names()
    assert place(rules["mine"]) == f"{tmp_path / 'mine.py'}:4"


def test_a_plugin_is_loaded_once_however_often_it_is_named(rules: Registry, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("print('loaded', end=' ')\n" + RULE.format(name="mine"))
    load_plugins(["./mine.py"])
    first = rules["mine"]
    load_plugins(["mine.py", str(tmp_path / "mine.py")])
    assert rules["mine"] is first


def test_a_plugin_is_a_module(rules: Registry, tmp_path: Path) -> None:
    (tmp_path / "my_pkg").mkdir()
    (tmp_path / "my_pkg" / "__init__.py").touch()
    (tmp_path / "my_pkg" / "rules.py").write_text(RULE.format(name="from_module"))
    load_plugins(["my_pkg.rules"])
    assert rules["from_module"](None, None, scale=2.0) == 1.0


def test_two_entries_of_one_name_are_an_error_that_names_both_places(rules: Registry, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(RULE.format(name="same"))
    (tmp_path / "b.py").write_text("\n" + RULE.format(name="same"))
    with pytest.raises(ValueError, match="defined twice") as error:
        load_plugins(["./a.py", "./b.py"])
    assert f"{tmp_path / 'a.py'}:4 and in {tmp_path / 'b.py'}:5" in str(error.value)


def test_a_plugin_cannot_hide_a_rule_that_ships(rules: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "rewards.format", raising=False)  # nobody has asked for it yet
    (tmp_path / "mine.py").write_text(RULE.format(name="format"))
    load_plugins(["./mine.py"])
    with pytest.raises(ValueError, match="'format' is defined twice") as error:
        rules["format"]
    assert "mine.py:4" in str(error.value)
    assert "rewards/format.py:" in str(error.value)


@pytest.mark.parametrize(
    ("plugin", "says"),
    [
        ("./gone.py", "gone.py does not exist"),
        ("no_such_module_here", r"there is no module 'no_such_module_here'. For a file, write ./no_such_module_here.py"),
        ("no_such_package_here.rules", "there is no module 'no_such_package_here'"),
    ],
)
def test_a_plugin_that_is_not_there(plugin: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        load_plugins([plugin])


def test_what_a_plugin_itself_lacks_is_not_blamed_on_its_name(rules: Registry, tmp_path: Path) -> None:
    (tmp_path / "abcd_rules.py").write_text("import abcd\n")
    with pytest.raises(ModuleNotFoundError, match="No module named 'abcd'"):
        load_plugins(["abcd_rules"])


def test_a_plugin_that_breaks_is_tried_again(rules: Registry, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("raise RuntimeError('half written')\n")
    with pytest.raises(RuntimeError, match="half written"):
        load_plugins(["./mine.py"])
    (tmp_path / "mine.py").write_text(RULE.format(name="mine"))
    load_plugins(["./mine.py"])
    assert "mine" in rules.names()


def test_options_are_bound_with_their_defaults() -> None:
    assert rewards.bind("countdown", {}) == {"partial": 0.0}
    assert rewards.bind("length", {"margin": 4, "limit": 16}) == {"limit": 16, "margin": 4}
    assert tasks.bind("countdown", {"seed": 5}) == {"seed": 5, "difficulty": "standard", "size": 100_000}


def test_options_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown option of task 'arithmetic': 'modulos'. Did you mean 'modulus'\?"):
        tasks.bind("arithmetic", {"modulos": 7})
    with pytest.raises(ValueError, match="reward 'length' needs a value for limit, margin"):
        rewards.bind("length", {})
    with pytest.raises(ValueError, match=r"unknown option of reward 'format': 'problem'\. Known: none"):
        rewards.bind("format", {"problem": 1})  # an argument, but no option


def test_entry_points_are_a_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[r1lite.things]\nfrom_afar = their_things:thing\n")
    (tmp_path / "their_things.py").write_text(
        "from test_registry import THINGS\n\n\ndef thing():\n    return 3\n\n\nTHINGS.register('from_afar', thing, None)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "test_registry", sys.modules[__name__])
    assert THINGS.names() == ["from_afar"]
    assert THINGS["from_afar"]() == 3
    assert import_module("their_things").thing is THINGS["from_afar"]
    del sys.modules["their_things"]


THINGS: Registry[Any, None] = Registry("thing", "no_such_package")
